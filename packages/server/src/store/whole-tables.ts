/** Work on whole tables, which takes longer than any request for a token may. */

import { type Kysely, PostgresAdapter, sql } from 'kysely'
import { allowLongStatements } from './postgres-driver.ts'
import type { Schema } from './schema.ts'

/**
 * For the rest of the transaction. Only for what removes everything of its kind in one transaction, since nobody must see
 * half of it; whatever can be done in bites is (`sweep.ts`). SQLite has no limit.
 */
export async function allowWholeTables({ kysely }: { readonly kysely: Kysely<Schema> }): Promise<void> {
  if (kysely.getExecutor().adapter instanceof PostgresAdapter)
    await sql.raw(allowLongStatements).execute(kysely)
}
