/** What time it is at the database, which is one clock for all nodes: each node's own may be wrong. */

import { clockSkewSeconds } from '@sallyport/protocol'
import { type Kysely, sql } from 'kysely'
import type { Schema } from './schema.ts'

/** Whole seconds. */
export const databaseTime = 'floor(extract(epoch from clock_timestamp()))::bigint'

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

export interface ClockComparison {
  /** What the database has said, to a question asked at that second of this process. */
  note(askedAt: number, databaseSeconds: number): void
  secondsAhead(): number
  /** A second of this process as one of the database, where that is up to a minute behind. */
  dated(ownSeconds: number): number
}

export function compareClocks({ clock, readTime = asItIs }: TwoClocks): ClockComparison {
  let ahead = 0
  return {
    note(askedAt, databaseSeconds) {
      const there = readTime(databaseSeconds)
      const apart = there < askedAt ? askedAt - there : Math.min(0, clock() - there)
      // Seconds that begin at different moments are one apart for a while.
      ahead = Math.abs(apart) <= 1 ? 0 : apart
    },
    secondsAhead: () => ahead,
    // Further apart nobody knows which is wrong, and tokens may be over when they are given out.
    dated: (ownSeconds) => (ahead > 0 && ahead <= clockSkewSeconds ? ownSeconds - ahead : ownSeconds),
  }
}
