/** A write that comes while another has not committed yet: it waits, or it overtakes the other. */

import { type Kysely, sql } from 'kysely'
import type { Database, WriteTransaction } from '../../src/store/database.ts'
import type { Schema } from '../../src/store/schema.ts'

/** `end` runs, and the first commits, once the second waits for it or is done. */
export async function overtaken<Result>(
  db: Database,
  first: (tx: WriteTransaction) => Promise<unknown>,
  second: () => Promise<Result>,
  end: (tx: WriteTransaction) => Promise<unknown> = async () => {},
): Promise<Result> {
  const [begun, overtaking] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const writing = db.write(async (tx) => {
    await first(tx)
    begun.resolve()
    await overtaking.promise
    await end(tx)
  })
  await Promise.race([begun.promise, writing])
  const result = second()
  // On SQLite whoever writes waits in any case, and nothing shows it.
  if (db.engine === 'postgres')
    await Promise.race([Promise.allSettled([result]), untilSomebodyWaits(db.kysely)])
  overtaking.resolve()
  await writing
  return result
}

async function untilSomebodyWaits(kysely: Kysely<Schema>): Promise<void> {
  for (;;) {
    const { rows } = await sql`select 1 from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`.execute(kysely)
    if (rows.length > 0) return
  }
}
