/** `sallyport secrets report`: a secret that somebody has found; whose it is, and the end of its use. */

import type { Command } from 'commander'
import { createExposure } from '../apps/expose-credential.ts'
import { createTokenExposure } from '../apps/expose-token.ts'
import { type Leaked, type LeakedCredential, reportLeak } from '../apps/leak-reports.ts'
import { type LeakedToken, ownTokenName } from '../apps/leaked-tokens.ts'
import { systemEffects } from '../effects.ts'
import { commandActor } from './actor.ts'
import { onSameStore } from './same-store.ts'
import { readStandardInput } from './standard-input.ts'
import { type StoreOptions, storeOptions, withStore } from './store-options.ts'

interface ReportOptions extends StoreOptions {
  readonly url?: string
}

export function registerSecrets(group: Command): void {
  const command = group
    .command('report [secret]')
    .description(
      'say whose a found secret is and put it out of use (reads standard input without SECRET, or for -)',
    )
    .option('--url <url>', 'where it was found, for its owner')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nEnds with 0 if it is a secret of this server and with 1 otherwise.')
  storeOptions(command).action(async (secret: string | undefined, options: ReportOptions) => {
    const isPiped = secret === undefined || secret === '-'
    if (!isPiped)
      process.stderr.write(
        'The secret is in the history of your shell now; - reads it from standard input.\n',
      )
    const text = (isPiped ? await readStandardInput('secret') : secret).trim()
    const by = commandActor('secrets report')
    const leaked = await withStore(
      options,
      ({ db, hasher }) => {
        const expose = createExposure({ db, by, onExposed })
        const exposeToken = createTokenExposure({ db, by, onExposed })
        return reportLeak({ secret: text, url: options.url }, { db, hasher, expose, exposeToken })
      },
      { isWriting: true },
    )
    const said = options.json
      ? JSON.stringify(leaked.map(toJson), null, 2)
      : onSameStore(describe(leaked), options)
    process.stdout.write(`${said}\n`)
    if (leaked.length === 0) process.exitCode = 1
  })
}

/** There is no log here, and the notice is in the store. */
const onExposed = () => {}

function toJson(leaked: Leaked) {
  const { tenantId: tenant, exposed } = leaked
  const done = exposed ?? 'nothing new'
  switch (leaked.kind) {
    case 'credential':
      return {
        ...{ tenant, client_id: leaked.clientId, credential: leaked.credentialId, done },
        still_works: stillWorks(leaked),
      }
    case 'initial':
      return { tenant, organization: leaked.organizationId, registration_token: leaked.tokenId, done }
    case 'registration':
      return { tenant, client_id: leaked.clientId, credential: ownTokenName, done }
  }
}

const stillWorks = ({ isDisabled, expiresAt }: LeakedCredential): boolean =>
  !isDisabled && (expiresAt === null || systemEffects.clock() < expiresAt)

const onlyFlagged = 'still works, as the tenant wants it (exposed_secrets: flag).'

const done = {
  initial: {
    removed: 'It is removed: no program registers with it any more. Apps that it has made stay.',
    flagged: `It is in the audit chain and ${onlyFlagged}`,
  },
  registration: {
    removed:
      'It is good for nothing any more. The app goes on, and the people who manage it can still change or remove it.',
    flagged: `It is flagged and ${onlyFlagged}`,
  },
} as const

function describe(leaked: readonly Leaked[]): string {
  if (leaked.length === 0) return 'This is no secret of this server, or no longer one.'
  return leaked
    .map((one) => (one.kind === 'credential' ? describeCredential(one) : describeToken(one)))
    .join('\n')
}

const describeCredential = (leaked: LeakedCredential): string =>
  `It is credential ${leaked.credentialId} of client ${leaked.clientId} at tenant ${leaked.tenantId}. ${doneTo(leaked)}`

function doneTo(leaked: LeakedCredential): string {
  if (leaked.exposed === 'quarantined')
    return 'It is out of use now, and every token that was got with it is dead.'
  if (stillWorks(leaked))
    return `It ${leaked.exposed === null ? 'was flagged before' : 'is flagged'} and ${onlyFlagged}\n${nextSteps(leaked)}`
  return leaked.exposed === null
    ? 'It was seen before, and is out of use.'
    : 'It is flagged, and was out of use before.'
}

function nextSteps({ tenantId, clientId, credentialId }: LeakedCredential): string {
  const whose = `--tenant ${tenantId} --app ${clientId}`
  return (
    `Give the app another and end this one: sallyport credentials rotate ${whose} --overlap 0s\n` +
    `Then end the tokens that were got with it: sallyport credentials remove ${credentialId} ${whose}`
  )
}

function describeToken(leaked: LeakedToken): string {
  const whose =
    leaked.kind === 'initial'
      ? `registration token ${leaked.tokenId} of organization ${leaked.organizationId}`
      : `the ${ownTokenName} of client ${leaked.clientId}`
  const said = `It is ${whose} at tenant ${leaked.tenantId}. ${done[leaked.kind][leaked.exposed]}`
  return leaked.exposed === 'flagged' ? `${said}\n${replacementOf(leaked)}` : said
}

function replacementOf(leaked: LeakedToken): string {
  if (leaked.kind === 'registration')
    return `Give the app another, which ends this one: sallyport manage registrations rotate --tenant ${leaked.tenantId} --app ${leaked.clientId}`
  const whose = `--tenant ${leaked.tenantId} --organization ${leaked.organizationId}`
  return (
    `Take it back: sallyport manage registration-tokens remove ${leaked.tokenId} ${whose}\n` +
    `Then give out another, on the terms you choose: sallyport manage registration-tokens create ${whose} --name NAME`
  )
}
