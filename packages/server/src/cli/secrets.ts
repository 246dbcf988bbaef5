/** `sallyport secrets report`: a secret that somebody has found; whose it is, and the end of its use. */

import type { Command } from 'commander'
import { createExposure } from '../apps/expose-credential.ts'
import { type LeakedCredential, reportLeak } from '../apps/leak-reports.ts'
import { commandActor } from './actor.ts'
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
    const leaked = await withStore(
      options,
      ({ db, hasher }) =>
        reportLeak(
          { secret: text, url: options.url },
          { db, hasher, expose: createExposure({ db, by: commandActor('secrets report'), onExposed }) },
        ),
      { isWriting: true },
    )
    process.stdout.write(`${options.json ? JSON.stringify(leaked.map(toJson), null, 2) : describe(leaked)}\n`)
    if (leaked.length === 0) process.exitCode = 1
  })
}

/** There is no log here, and the notice is in the store. */
const onExposed = () => {}

const toJson = ({ tenantId, clientId, credentialId, exposed }: LeakedCredential) => ({
  tenant: tenantId,
  client_id: clientId,
  credential: credentialId,
  done: exposed ?? 'nothing new',
})

const done = {
  quarantined: 'It is out of use now, and every token that was got with it is dead.',
  flagged: 'It is flagged and still works, as the tenant wants it (exposed_secrets: flag).',
  nothing: 'All was done when it was seen first.',
} as const

function describe(leaked: readonly LeakedCredential[]): string {
  if (leaked.length === 0) return 'This is no secret of this server, or no longer one.'
  return leaked
    .map(
      ({ tenantId, clientId, credentialId, exposed }) =>
        `It is credential ${credentialId} of client ${clientId} at tenant ${tenantId}. ${done[exposed ?? 'nothing']}`,
    )
    .join('\n')
}
