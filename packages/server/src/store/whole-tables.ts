/** Work on whole tables, which takes longer than any request for a token may. */

import { type Kysely, PostgresAdapter, sql } from 'kysely'
import type { Schema } from './schema.ts'

/** Millions of rows deleted, and the keys that point at them checked. */
export const wholeTableMilliseconds = 300_000

/** Until its transaction ends, PostgreSQL waits for the statements after it, and the driver for their answers. */
export const allowLongStatements = `set local statement_timeout = ${wholeTableMilliseconds}`

/**
 * For the rest of the transaction. Only for what removes everything of its kind in one transaction, since nobody must see
 * half of it; whatever can be done in bites is (`sweep.ts`). SQLite has no limit.
 */
export async function allowWholeTables({ kysely }: { readonly kysely: Kysely<Schema> }): Promise<void> {
  if (kysely.getExecutor().adapter instanceof PostgresAdapter)
    await sql.raw(allowLongStatements).execute(kysely)
}
