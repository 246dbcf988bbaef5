/**
 * Deletes what has had its time, in small bites and with longer pauses between them, so that whoever writes beside it gets
 * the lock: a writer who finds SQLite locked looks again now and then, and would find the next bite, and the next.
 */

import { setTimeout as pause } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { Database } from './database.ts'
import type { Schema } from './schema.ts'

/** About two milliseconds of SQLite, which holds up the process. */
const bite = 500
/** Of the time that a bite held the lock: four of five looks at it find it free. */
const pauseFactor = 4

/** Takes at most `limit` rows and answers how many there were. */
export type TakeBite = (kysely: Kysely<Schema>, limit: number) => Promise<bigint>

/** Answers how many rows are gone. Ends early when `stopping` is aborted: the next sweep goes on. */
export async function sweepInBites(
  db: Database,
  takeBite: TakeBite,
  stopping?: AbortSignal,
): Promise<number> {
  let swept = 0
  while (!stopping?.aborted) {
    let lockedAt = 0
    const work = ({ kysely }: { readonly kysely: Kysely<Schema> }) => {
      lockedAt = performance.now()
      return takeBite(kysely, bite)
    }
    const taken = Number(await db.write(work))
    swept += taken
    if (taken < bite) break
    await pause((performance.now() - lockedAt) * pauseFactor)
  }
  return swept
}
