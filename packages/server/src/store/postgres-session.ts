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

/**
 * Who holds two connections talks to two processes of PostgreSQL, and each stays the same. A pooler that gives them by the
 * transaction has what is prepared on one of them meet what somebody else has prepared there.
 */
export async function refuseSharedConnections(kysely: Kysely<Schema>): Promise<void> {
  const pids = await kysely
    .connection()
    .execute((one) =>
      kysely
        .connection()
        .execute(async (other) => [await processOf(one), await processOf(other), await processOf(one)]),
    )
  const [one, other, oneAgain] = pids
  if (one === other || one !== oneAgain)
    throw new StoreRefused(
      'A pooler before PostgreSQL gives one connection to several programs at once: set the pooler to session mode, or connect to PostgreSQL directly.',
    )
}

async function processOf(kysely: Kysely<Schema>): Promise<number | undefined> {
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(kysely)
  return rows[0]?.pid
}

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
        `A connection to PostgreSQL has ${name} = ${found.get(name)}, where ${values[0]} was asked for: take it out of the database URL if it stands there, or ${nextStep}. PgBouncer keeps its connections as they were until RECONNECT in its console.`,
      )
}
