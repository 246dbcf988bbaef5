/**
 * A database that was put back to an earlier state begins a life of its own: what it numbers from now on must be no number
 * that anybody has seen in the life that is gone.
 */

import { sql } from 'kysely'
import type { Database, WriteTransaction } from './database.ts'
import { allowWholeTables } from './whole-tables.ts'

/** More changes than any server makes in a second, so that each life begins beyond the end of the one before. */
const changesPerSecond = 100_000

/**
 * Moves the change feed to where nobody has been. Whoever asks what came after an older change is told that it cannot be
 * known, and reads everything anew. Answers the number of the first change of the new life.
 */
export async function leapAhead(tx: WriteTransaction, engine: Database['engine']): Promise<number> {
  await allowWholeTables(tx)
  // Whoever is about to append has done so, and has a smaller number.
  if (engine === 'postgres') await sql`lock table changes in exclusive mode`.execute(tx.kysely)
  const { newest } = await tx.kysely
    .selectFrom('changes')
    .select((eb) => eb.fn.max('seq').as('newest'))
    .executeTakeFirstOrThrow()
  const seq = Math.max((newest ?? 0) + 1, tx.now * changesPerSecond)
  await tx.kysely.deleteFrom('changes').execute()
  const byUs = engine === 'postgres' ? sql`overriding system value` : sql``
  await sql`insert into changes (seq, tenant_id, noun, subject_id, happened_at) ${byUs}
    values (${seq}, '', 'tenant', '', ${tx.now})`.execute(tx.kysely)
  if (engine === 'postgres')
    await sql`select setval(pg_get_serial_sequence('changes', 'seq'), ${seq})`.execute(tx.kysely)
  return seq
}
