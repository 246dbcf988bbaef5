/** Deletes what has had its time, in bites small enough that nobody who writes beside them has to wait. */

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { Database } from './database.ts'
import type { Schema } from './schema.ts'

/** About two milliseconds of SQLite, which holds up the process. */
const bite = 500

/** Takes at most `limit` rows and answers how many there were. */
export type TakeBite = (kysely: Kysely<Schema>, limit: number) => Promise<bigint>

/** Answers how many rows are gone. */
export async function sweepInBites(db: Database, takeBite: TakeBite): Promise<number> {
  for (let swept = 0; ; ) {
    const taken = Number(await db.write(({ kysely }) => takeBite(kysely, bite)))
    swept += taken
    if (taken < bite) return swept
    await nextTurn()
  }
}
