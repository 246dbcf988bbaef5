/** A database that was put back and not used since is told by its audit chain: that ends in the records of the restore. */

import { type AuditRecord, listAuditRecords } from './audit-records.ts'
import type { Database } from './database.ts'

/** The record of a restore, and of each cut-off that it makes. */
export const restoreAction = 'restoreDatabase'
export const cutOffAction = 'revokeTokensOfTenant'

/** The restore after which nothing was done; null where something was, or there was none. */
export async function findUnusedRestore(from: Pick<Database, 'kysely'>): Promise<AuditRecord | null> {
  const newest = await from.kysely
    .selectFrom('audit_records')
    .select('number')
    .where('action', '!=', cutOffAction)
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (!newest) return null
  const [restore] = await listAuditRecords(from, { after: newest.number - 1, limit: 1 })
  if (restore?.action !== restoreAction) return null
  // One transaction has one second; a cut-off of another one is somebody's.
  const other = await from.kysely
    .selectFrom('audit_records')
    .select('number')
    .where('number', '>', restore.number)
    .where((is) => is.or([is('happened_at', '!=', restore.happenedAt), is('actor', '!=', restore.actor)]))
    .limit(1)
    .executeTakeFirst()
  return other ? null : restore
}
