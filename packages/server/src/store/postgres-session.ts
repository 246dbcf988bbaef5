/** Whether a connection is what it was asked to be: what stands in between, such as PgBouncer, may refuse that or drop it. */

import { type Kysely, sql } from 'kysely'
import pg from 'pg'
import { StoreRefused } from './database.ts'
import type { Schema } from './schema.ts'

const nextStep = 'connect to PostgreSQL directly, or through a pooler as docs/operations.md says'

/** Of PgBouncer: it has not asked PostgreSQL yet. */
const unsupportedParameter = /unsupported startup parameter/

export const isRefusedByPooler = (error: unknown): error is pg.DatabaseError =>
  error instanceof pg.DatabaseError && unsupportedParameter.test(error.message)

export const poolerRefusal = (cause: pg.DatabaseError): StoreRefused =>
  new StoreRefused(`A pooler before PostgreSQL refuses this program (${cause.message}): ${nextStep}.`, {
    cause,
  })

/** Without them a crash could take what was acknowledged, and a statement that hangs would hold its connection. */
export async function refuseDroppedSettings(
  kysely: Kysely<Schema>,
  { statement_timeout }: pg.PoolOptions,
): Promise<void> {
  const asked = { synchronous_commit: ['on', 'remote_apply'], statement_timeout: [`${statement_timeout}`] }
  const { rows } = await sql<{ name: string; setting: string }>`select name, setting from pg_settings
    where name in (${sql.join(Object.keys(asked))})`.execute(kysely)
  const found = new Map(rows.map(({ name, setting }) => [name, setting]))
  for (const [name, values] of Object.entries(asked))
    if (!values.includes(found.get(name) ?? ''))
      throw new StoreRefused(
        `A connection to PostgreSQL has ${name} = ${found.get(name)}, where ${values[0]} was asked for: take it out of the database URL if it stands there, or ${nextStep}.`,
      )
}
