/**
 * Counters of wrong attempts that outlive a restart and that all nodes share.
 *
 * A counter belongs to one key in one window. Nodes add what they have counted since the last time and hear the
 * totals, so windows must begin where every node lets them begin: at multiples of their length.
 */

import { type Kysely, sql } from 'kysely'
import type { Database, WriteTransaction } from './database.ts'
import type { Schema } from './schema.ts'
import { sweepInBites } from './sweep.ts'

export interface AttemptCount {
  /** A digest of whom the attempts are counted for. */
  readonly key: Uint8Array
  readonly windowStartedAt: number
  readonly count: number
}

/** Bound variables have a limit on both engines. */
const rowsPerInsert = 1000

/** Adds each `count`, which may be negative, and answers the totals in no order. No change: nothing caches a counter. */
export async function addAttempts(
  tx: WriteTransaction,
  batch: readonly AttemptCount[],
): Promise<AttemptCount[]> {
  const merged = mergeAttempts(batch)
  const totals: AttemptCount[] = []
  for (let start = 0; start < merged.length; start += rowsPerInsert) {
    const rows = merged
      .slice(start, start + rowsPerInsert)
      .map(({ key, windowStartedAt, count }) => ({ key, window_started_at: windowStartedAt, count }))
    const added = await tx.kysely
      .insertInto('throttle_counters')
      .values(rows)
      .onConflict((conflict) =>
        conflict
          .columns(['window_started_at', 'key'])
          .doUpdateSet({ count: sql`throttle_counters.count + excluded.count` }),
      )
      .returning(['key', 'window_started_at as windowStartedAt', 'count'])
      .execute()
    totals.push(...added)
  }
  return totals
}

/** PostgreSQL refuses to touch a row twice in one statement; in one order no two nodes wait for each other. */
function mergeAttempts(batch: readonly AttemptCount[]): AttemptCount[] {
  const merged = new Map<string, AttemptCount>()
  for (const one of batch) {
    const id = `${one.windowStartedAt} ${Buffer.from(one.key).toString('latin1')}`
    merged.set(id, { ...one, count: one.count + (merged.get(id)?.count ?? 0) })
  }
  return [...merged.values()].sort(
    (a, b) => a.windowStartedAt - b.windowStartedAt || Buffer.compare(a.key, b.key),
  )
}

/** Of every window that began at `since` or later: what a node must know when it starts. */
export async function readAttempts(
  from: { readonly kysely: Kysely<Schema> },
  since: number,
): Promise<AttemptCount[]> {
  const rows = await from.kysely
    .selectFrom('throttle_counters')
    .select(['key', 'window_started_at as windowStartedAt', 'count'])
    .where('window_started_at', '>=', since)
    .orderBy('window_started_at')
    .orderBy('key')
    .execute()
  return rows.map((row) => ({ ...row }))
}

/** Forgets the windows that began before `before`, until `stopping`; answers how many counters. */
export const sweepAttempts = (db: Database, before: number, stopping?: AbortSignal): Promise<number> =>
  sweepInBites(db, (kysely, limit) => deleteAttempts(kysely, before, limit), stopping)

async function deleteAttempts(kysely: Kysely<Schema>, before: number, limit: number): Promise<bigint> {
  const { numAffectedRows = 0n } = await sql`
    delete from throttle_counters where (window_started_at, key) in
      (select window_started_at, key from throttle_counters where window_started_at < ${before}
       order by window_started_at, key limit ${sql.lit(limit)})`.execute(kysely)
  return numAffectedRows
}
