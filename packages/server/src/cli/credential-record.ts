/** What the audit chain says of a change by `sallyport credentials`: the same as when the management API makes it. */

import { credentialState } from '../management/credential-shapes.ts'
import { listCredentials } from '../store/credentials.ts'
import type { WriteTransaction } from '../store/database.ts'
import { commandActor } from './actor.ts'
import type { FoundApp } from './find-app.ts'

export interface Done {
  /** The subcommand. */
  readonly command: string
  /** The operation of the management API that does the same. */
  readonly operation: 'createCredential' | 'rotateSecret' | 'updateCredential' | 'removeCredential'
  readonly credentialId: string
  readonly before: object | null
  /** What has changed beside it. */
  readonly beside?: object
}

export async function recordCredential(
  tx: WriteTransaction,
  { tenant, app }: FoundApp,
  { command, operation, credentialId, before, beside }: Done,
): Promise<void> {
  const rows = await listCredentials(tx, tenant.id, app.clientId)
  const row = rows.find(({ id }) => id === credentialId)
  tx.audit({
    ...{ tenantId: tenant.id, actor: commandActor(`credentials ${command}`), action: operation },
    target: `credential ${app.clientId} ${credentialId}`,
    before: before && JSON.stringify(before),
    after: row ? JSON.stringify({ ...credentialState(row), ...beside }) : null,
  })
}
