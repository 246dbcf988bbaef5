/** `sallyport notices`: what the owners of secrets should hear. */

import type { Command } from 'commander'
import { ownTokenName } from '../apps/leaked-tokens.ts'
import { instantText } from '../inspect/instant-text.ts'
import { listNotices, type Notice } from '../store/notices.ts'
import { jsonText, terminalText } from './standard-input.ts'
import { type StoreOptions, storeOptions, withStore } from './store-options.ts'
import { table } from './table.ts'

interface NoticesOptions extends StoreOptions {
  readonly tenant?: string
}

export function registerNotices(command: Command): void {
  command.option('--tenant <id>', 'of one tenant').option('--json', 'print JSON')
  storeOptions(command).action(async (options: NoticesOptions) => {
    const notices = await withStore(options, ({ db }) => listNotices(db, options.tenant))
    process.stdout.write(`${options.json ? jsonText(notices.map(toJson)) : describe(notices)}\n`)
  })
}

const toJson = ({ tenantId, clientId, credentialId, kind, detail, happenedAt }: Notice) => ({
  tenant: tenantId,
  client_id: clientId,
  credential: credentialId,
  kind,
  happened_at: happenedAt,
  ...detail,
})

function describe(notices: readonly Notice[]): string {
  if (notices.length === 0) return 'Nothing to tell.'
  const rows = notices.map((notice) => [
    instantText(notice.happenedAt).replace('.000Z', 'Z'),
    notice.tenantId,
    notice.clientId,
    notice.credentialId,
    terminalText(sentenceOf(notice)),
  ])
  return table([['WHEN', 'TENANT', 'CLIENT ID', 'CREDENTIAL', 'WHAT'], ...rows])
}

const ways: Readonly<Record<string, string>> = {
  plain_http: 'came over plain HTTP',
  query_string: 'came in a URL',
  leak_report: 'was found in public',
}

function sentenceOf({ kind, credentialId, detail }: Notice): string {
  if (kind === 'expires_soon') {
    const end = instantText(Number(detail.expires_at)).replace('.000Z', 'Z')
    const use = detail.used_recently
      ? 'it was used in the last 30 days'
      : 'it was not used in the last 30 days'
    return `expires ${end}; ${use}`
  }
  const where = typeof detail.url === 'string' ? ` (${detail.url})` : ''
  return `${ways[String(detail.by)] ?? 'was seen'}${where}; ${detail.quarantined ? 'it is out of use' : `it still works${replacedBy(credentialId)}`}`
}

/** The others are credentials, and the commands of that name know them. */
const replacedBy = (credentialId: string): string =>
  credentialId === ownTokenName ? ', until sallyport manage registrations rotate' : ''
