/** `sallyport federation test TOKEN`: which rule lets a workload's token in, and why the others do not. */

import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import type { StoreSettings } from '../config.ts'
import { readDemoFile } from '../dev/demo-file.ts'
import { systemEffects } from '../effects.ts'
import { createIssuerKeys } from '../federation/issuer-keys.ts'
import { issuersOf } from '../http/site.ts'
import {
  type FederationDeps,
  type FederationReport,
  type RuleReport,
  testFederation,
} from '../inspect/test-federation.ts'
import { createRemoteKeySets } from '../keys/remote-key-sets.ts'
import { httpsUrl } from '../setting-kinds.ts'
import { fetchJsonFor } from './outbound.ts'
import { jsonText, readStandardInput, terminalText } from './standard-input.ts'
import { locateStore, type StoreOptions, storeOptions, withStore } from './store-options.ts'

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
      'where the server is reached, for rules that name no audience (default: as configured, or that of the development instance)',
      parseBaseUrl,
    )
    .option('--json', 'print JSON')
    .addHelpText('after', '\nEnds with 0 if a rule lets the token in and with 1 otherwise.')
  storeOptions(command).action(async (token: string | undefined, options: FederationOptions) => {
    const text = token ?? (await readStandardInput())
    const settings = await locateStore(options)
    const known = options.baseUrl ?? settings.base_url ?? urlOfDemo(settings)
    const deps = depsOf(settings, known ?? usualUrl)
    const report = await withStore(options, ({ db }) => testFederation(text, options.tenant, { ...deps, db }))
    const said = () =>
      [describe(report, options.tenant), ...(known === undefined ? noteOf(report) : [])].join('\n\n')
    const json = () => jsonText({ ...report, assumedUrl: known === undefined ? usualUrl.origin : null })
    process.stdout.write(`${options.json ? json() : said()}\n`)
    if (!report.rules.some(({ reasons }) => reasons.length === 0)) process.exitCode = 1
  })
}

function parseBaseUrl(text: string): URL {
  const url = httpsUrl.parse(text)
  if (url === undefined) throw new InvalidArgumentError(`Give ${httpsUrl.expected}.`)
  return url
}

const usualUrl = new URL('https://localhost:8443')

/** A development instance has no configuration to say it, and notes it beside its database. */
function urlOfDemo({ database_url: database, data_folder: folder }: StoreSettings): URL | undefined {
  if (database !== null) return undefined
  const { url } = readDemoFile(join(folder, 'demo.json'))
  return typeof url === 'string' ? httpsUrl.parse(url) : undefined
}

function depsOf(settings: StoreSettings, baseUrl: URL): Omit<FederationDeps, 'db'> {
  const { clock } = systemEffects
  const fetchJson = fetchJsonFor(settings)
  const onFailure = (url: string, reason: string) =>
    process.stderr.write(`${terminalText(url)} could not be fetched: ${reason}.\n`)
  const keySets = createRemoteKeySets({ fetchJson, clock, onFailure })
  return {
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

/** A server that is reached elsewhere may take the very token that is refused here. */
function noteOf({ rules }: FederationReport): readonly string[] {
  const isForAnother = ({ reasons: [reason = '', ...others] }: RuleReport) =>
    others.length === 0 && reason.startsWith(`aud is not ${usualUrl.origin}/`)
  if (!rules.some(isForAnother)) return []
  return [
    `Nothing says where the server is reached, so ${usualUrl.origin} was assumed. Name it with --base-url, or its configuration with --config.`,
  ]
}

const nameOf = ({ tenantId, appId, clientId, credentialId }: RuleReport): string =>
  `${tenantId} / ${appId} (client id ${clientId}), rule ${credentialId}`
