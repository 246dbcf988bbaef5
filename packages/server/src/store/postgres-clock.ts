/** What time it is at the database, which is one clock for all nodes: each node's own may be wrong. */

import { type Kysely, sql } from 'kysely'
import type { Schema } from './schema.ts'

/** Whole seconds. */
const databaseTime = 'floor(extract(epoch from clock_timestamp()))::bigint'

export interface TwoClocks {
  /** Epoch seconds, of this process. */
  readonly clock: () => number
  /** What the database's answer means; tests have it say what their clock says. */
  readonly readTime?: ((databaseSeconds: number) => number) | undefined
}

const asItIs = (seconds: number) => seconds

/**
 * For what a transaction writes: the later of both. A cut-off of a node that is behind would otherwise lie before tokens
 * that others have issued. One question more for each write, and none for a token.
 */
export async function laterTime(
  kysely: Kysely<Schema>,
  { clock, readTime = asItIs }: TwoClocks,
): Promise<number> {
  const { rows } = await sql<{ now: number }>`select ${sql.raw(databaseTime)} as now`.execute(kysely)
  return Math.max(clock(), ...rows.map(({ now }) => readTime(now)))
}
