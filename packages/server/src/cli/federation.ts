/** `sallyport federation test TOKEN`: which rule lets a workload's token in, and why the others do not. */

import { type Command, InvalidArgumentError } from 'commander'
import { systemEffects } from '../effects.ts'
import { createIssuerKeys } from '../federation/issuer-keys.ts'
import { issuersOf } from '../http/site.ts'
import { type FederationReport, type RuleReport, testFederation } from '../inspect/test-federation.ts'
import { createRemoteKeySets } from '../keys/remote-key-sets.ts'
import { createFetchJson } from '../outbound/fetch-json.ts'
import { httpsUrl } from '../setting-kinds.ts'
import { fetchJsonFor } from './outbound.ts'
import { readServerConfig } from './server-config.ts'
import { jsonText, readStandardInput, terminalText } from './standard-input.ts'
import { type StoreOptions, storeOptions, withStore } from './store-options.ts'

interface FederationOptions extends StoreOptions {
  readonly tenant?: string
  readonly baseUrl?: URL
}

export function registerFederation(group: Command): void {
  const command = group
    .command('test [token]')
    .description(
      'say which rule a token matches, and why it does not match the others (reads standard input without TOKEN)',
    )
    .option('--tenant <id>', 'look at the rules of one tenant')
    .option(
      '--base-url <url>',
      'where the server is reached, for rules that name no audience (default: as configured, or https://localhost:8443)',
      parseBaseUrl,
    )
    .option('--json', 'print JSON')
    .addHelpText('after', '\nEnds with 0 if a rule lets the token in and with 1 otherwise.')
  storeOptions(command).action(async (token: string | undefined, options: FederationOptions) => {
    const text = token ?? (await readStandardInput())
    const report = await withStore(options, ({ db }) =>
      testFederation(text, options.tenant, depsOf(db, options)),
    )
    process.stdout.write(`${options.json ? jsonText(report) : describe(report, options.tenant)}\n`)
    if (!report.rules.some(({ reasons }) => reasons.length === 0)) process.exitCode = 1
  })
}

function parseBaseUrl(text: string): URL {
  const url = httpsUrl.parse(text)
  if (url === undefined) throw new InvalidArgumentError(`Give ${httpsUrl.expected}.`)
  return url
}

type Deps = Parameters<typeof testFederation>[2]

function depsOf(db: Deps['db'], options: FederationOptions): Deps {
  const { clock } = systemEffects
  const config = options.config === undefined ? null : readServerConfig(options.config)
  const fetchJson = config === null ? createFetchJson() : fetchJsonFor(config)
  const baseUrl = options.baseUrl ?? config?.base_url ?? new URL('https://localhost:8443')
  const onFailure = (url: string, reason: string) =>
    process.stderr.write(`${terminalText(url)} could not be fetched: ${reason}.\n`)
  const keySets = createRemoteKeySets({ fetchJson, clock, onFailure })
  return {
    db,
    issuerKeys: createIssuerKeys({ fetchJson, keySets, clock, onFailure }),
    now: clock(),
    issuersOf: (tenant) => issuersOf(baseUrl, tenant),
  }
}

function describe({ problem, claims, rules }: FederationReport, tenantId?: string): string {
  if (problem !== null) return terminalText(problem)
  if (rules.length === 0) {
    const owner = tenantId === undefined ? '' : ` of tenant ${tenantId}`
    return `No app${owner} has a federation rule. Add one to an app in a blueprint, under credentials.`
  }
  const good = rules.filter(({ reasons }) => reasons.length === 0)
  // The rule that was meant is most often the one that asks for least more.
  const others = rules
    .filter(({ reasons }) => reasons.length > 0)
    .toSorted((one, other) => one.reasons.length - other.reasons.length)
  const lines =
    good.length === 0 ? ['No rule lets this token in.'] : good.map((rule) => `Lets it in: ${nameOf(rule)}`)
  return [
    ...lines,
    '',
    ...others.flatMap((rule) => [
      `Does not match: ${nameOf(rule)}`,
      ...rule.reasons.map((reason) => `  ${terminalText(reason)}`),
    ]),
    ...(others.length > 0 ? [''] : []),
    'The token says',
    ...Object.entries(claims ?? {}).map(
      ([name, value]) =>
        `  ${terminalText(name)}  ${terminalText(typeof value === 'string' ? value : JSON.stringify(value))}`,
    ),
  ].join('\n')
}

const nameOf = ({ tenantId, appId, clientId, credentialId }: RuleReport): string =>
  `${tenantId} / ${appId} (client id ${clientId}), rule ${credentialId}`
