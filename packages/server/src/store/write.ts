/** One write transaction, the same on both engines: work, append what changed and who did it, commit, tell the followers. */

import type { Kysely } from 'kysely'
import { type Actor, appendAuditRecords, type NewAuditRecord, recordsOf } from './audit-records.ts'
import { type Change, type DatabaseChangeFeed, insertChanges, type NewChange } from './changes.ts'
import type { WriteTransaction } from './database.ts'
import type { Schema } from './schema.ts'

export interface Writing {
  readonly kysely: Kysely<Schema>
  /** Epoch seconds, asked for once the transaction has begun. */
  readonly now: (kysely: Kysely<Schema>) => number | Promise<number>
  readonly feed: DatabaseChangeFeed
  /** Makes this transaction the only one that appends until it has committed. */
  readonly lockFeed: (kysely: Kysely<Schema>) => Promise<void>
  /** Tells other processes, on commit, that there is something to read. */
  readonly announce: (kysely: Kysely<Schema>) => Promise<void>
}

export async function runWrite<Result>(
  writing: Writing,
  work: (tx: WriteTransaction) => Promise<Result>,
  by?: Actor,
): Promise<Result> {
  const { result, changes } = await writing.kysely
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (kysely) => {
      // Once it has begun: SQLite may have waited for another writer, and a cut-off must not lie before that.
      const now = await writing.now(kysely)
      const pending = new Map<string, NewChange>()
      const append = (change: NewChange) => {
        pending.set(JSON.stringify([change.tenantId, change.noun, change.subjectId]), change)
      }
      const said: NewAuditRecord[] = []
      const result = await work({ kysely, now, append, audit: (record) => void said.push(record) })
      const changed = [...pending.values()]
      const records = said.length > 0 ? said : recordsOf(changed, by)
      if (changed.length + records.length > 0) await writing.lockFeed(kysely)
      const changes = await appendChanges(writing, kysely, changed, now)
      await appendAuditRecords(kysely, records, now)
      return { result, changes }
    })
  if (changes.length > 0) await tellFollowers(writing.feed, changes)
  return result
}

async function appendChanges(
  { announce }: Writing,
  kysely: Kysely<Schema>,
  pending: readonly NewChange[],
  now: number,
): Promise<Change[]> {
  if (pending.length === 0) return []
  const changes = await insertChanges(kysely, pending, now)
  await announce(kysely)
  return changes
}

/** The commit stands, so the caller must not see an error now, and this process must not go on with old caches. */
async function tellFollowers(feed: DatabaseChangeFeed, changes: readonly Change[]): Promise<void> {
  try {
    await feed.catchUp()
  } catch {
    feed.deliver(changes)
  }
}
