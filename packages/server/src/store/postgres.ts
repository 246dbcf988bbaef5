/** The database of a cluster: PostgreSQL 15 or newer, as many nodes as there are, all following one feed. */

import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { DatabaseChangeFeed, pollFeed } from './changes.ts'
import { type Database, StoreBusy, StoreRefused, StoreUnavailable } from './database.ts'
import { type MigrationTarget, migrate, migrations, type SchemaUse } from './migrations.ts'
import { insertOpaqueTokens, makePartition, type Partition } from './opaque-tokens.ts'
import { compareClocks, laterTime, type TwoClocks } from './postgres-clock.ts'
import {
  asKyselyPool,
  defaultTimeoutMilliseconds,
  hotConfig,
  patientConfig,
  translatePostgresError,
} from './postgres-driver.ts'
import { changesChannel, listen } from './postgres-listener.ts'
import { primaryReader, refuseStandby } from './postgres-primary.ts'
import {
  isRefusedByPooler,
  poolerRefusal,
  refuseDroppedSettings,
  refuseSharedConnections,
} from './postgres-session.ts'
import type { PreparedQuery, Read } from './prepared.ts'
import type { Schema } from './schema.ts'
import { insertUses } from './used-once.ts'
import { runWrite } from './write.ts'

export interface PostgresOptions extends SchemaUse, TwoClocks {
  readonly url: string
  readonly poolSize?: number
  /** How long a connection or an answer may take before the database counts as gone. */
  readonly timeoutMilliseconds?: number
}

/** The net under LISTEN, and the pulse that tells an outage. */
const pollMilliseconds = 1000

/** Three locks of this database that nobody else takes: the first number is this program's. */
const ownLocks = 0x5a11
const feedLock = 1
const migrationLock = 2
const partitionLock = 3

export async function openPostgres(options: PostgresOptions): Promise<Database> {
  const { url, clock, poolSize = 10, timeoutMilliseconds = defaultTimeoutMilliseconds } = options
  await migratePostgres(options)
  const config = { ...hotConfig(url, timeoutMilliseconds), onConnect: refuseStandby }
  const pool = new pg.Pool({ ...config, max: poolSize })
  // An idle connection that dies is replaced when the next one is needed.
  pool.on('error', () => {})
  // Its own connection: behind a flood of requests the feed would be seconds late, and a cut-off with it.
  const feedPool = new pg.Pool({ ...config, max: 1 })
  feedPool.on('error', () => {})
  const endPools = () => Promise.all([pool, feedPool].map((one) => (one.ending ? undefined : one.end())))
  const kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: asKyselyPool(pool) }) })
  const read = preparedReader(pool)
  const clocks = compareClocks(options)
  const startFeed = async () => {
    // First: on a shared connection the settings are those of whoever had it before.
    await refuseSharedConnections(kysely)
    await refuseDroppedSettings(kysely, pool.options)
    return DatabaseChangeFeed.start(
      primaryReader(preparedReader(feedPool), clock, clocks),
      clock,
      clocks.dated,
    )
  }
  const feed = await startFeed().catch(async (error) => {
    await endPools()
    throw refusalOf(error)
  })
  const now = (tx: Kysely<Schema>) => laterTime(tx, options)
  const writing = { kysely, now, feed, lockFeed, announce }
  const stopPolling = pollFeed(feed, pollMilliseconds)
  const stopListening = listen(url, () => void feed.catchUp().catch(() => {}))
  return {
    engine: 'postgres',
    dated: clocks.dated,
    secondsAhead: clocks.secondsAhead,
    kysely,
    changes: feed,
    read,
    write: (work, by) => runWrite(writing, work, by),
    insertUses: (uses) => insertUses(kysely, uses),
    insertOpaqueTokens: opaqueTokenWriter(kysely, clock),
    async ping() {
      await sql`select 1`.execute(kysely)
    },
    async close() {
      stopPolling()
      stopListening()
      await feed.catchUp().catch(() => {})
      await endPools()
    },
  }
}

/** A partition is made in a transaction of its own: a lock on the catalogue must not wait for a batch. */
function opaqueTokenWriter(kysely: Kysely<Schema>, clock: () => number): Database['insertOpaqueTokens'] {
  const made = new Map<string, Partition>()
  // Nothing is issued any more for what has ended, and whichever process drops it tells nobody.
  const forgetEnded = () => {
    for (const { id, endsAt } of made.values()) if (endsAt !== null && endsAt <= clock()) made.delete(id)
  }
  return async (tokens) => {
    for (const { partition } of tokens) {
      if (made.has(partition.id)) continue
      forgetEnded()
      await kysely.transaction().execute(async (tx) => {
        await sql`select pg_advisory_xact_lock(${sql.lit(ownLocks)}, ${sql.lit(partitionLock)})`.execute(tx)
        await makePartition(tx, partition, '')
      })
      made.set(partition.id, partition)
    }
    await kysely.transaction().execute((tx) => insertOpaqueTokens(tx, tokens))
  }
}

/**
 * Taken before the first append and held until the commit: without it a transaction could commit a smaller `seq`
 * after a larger one has been read, and followers would never see it.
 */
export async function lockFeed(kysely: Kysely<Schema>): Promise<void> {
  await sql`select pg_advisory_xact_lock(${sql.lit(ownLocks)}, ${sql.lit(feedLock)})`.execute(kysely)
}

async function announce(kysely: Kysely<Schema>): Promise<void> {
  await sql`select pg_notify(${changesChannel}, '')`.execute(kysely)
}

/** More than a second's worth of reads: whoever would wait behind them is better told to come again. */
const waitingReads = 5000

function preparedReader(pool: pg.Pool): Read {
  return async <Row>(query: PreparedQuery<Row>, values: readonly (string | number)[]): Promise<Row[]> => {
    // PostgreSQL cannot hold NUL in a text, so nothing matches; asking would be an error.
    if (values.some((value) => typeof value === 'string' && value.includes('\u0000'))) return []
    if (pool.waitingCount >= waitingReads) throw new StoreBusy('too many reads are waiting')
    try {
      const { rows } = await pool.query({
        name: query.name,
        text: query.postgres,
        values: [...values],
        rowMode: 'array',
      })
      return rows as Row[]
    } catch (error) {
      throw translatePostgresError(error)
    }
  }
}

/**
 * A limit that is set for the user would end a migration of a large table, and waiting for another node's. But a migration
 * never rests between its statements: whoever does has frozen or lost its power, and would hold up every other start.
 */
async function preparePatient(client: pg.ClientBase): Promise<void> {
  await client.query('set statement_timeout = 0')
  await client.query(`set idle_in_transaction_session_timeout = '30s'`)
  await refuseStandby(client)
}

async function migratePostgres({ url, clock, ...schema }: PostgresOptions): Promise<void> {
  const pool = new pg.Pool({ ...patientConfig(url), max: 1, onConnect: preparePatient })
  pool.on('error', () => {})
  const kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool: asKyselyPool(pool) }) })
  try {
    await refuseOldServer(kysely)
    await migrate(postgresTarget(kysely, clock), migrations, schema)
  } catch (error) {
    throw refusalOf(error)
  } finally {
    await kysely.destroy()
  }
}

async function refuseOldServer(kysely: Kysely<Schema>): Promise<void> {
  const { rows } = await sql<{ server_version_num: string }>`show server_version_num`.execute(kysely)
  const version = Math.floor(Number(rows[0]?.server_version_num) / 10_000)
  if (version < 15) throw new StoreRefused(`This is PostgreSQL ${version}: Sallyport needs 15 or newer.`)
}

/** SQLSTATEs of the first contact that waiting will not mend. */
const refusals = new Map([
  ['28000', 'check the user and the password in the database URL'],
  ['28P01', 'check the user and the password in the database URL'],
  ['3D000', 'create the database, or name another one in the database URL'],
  ['42501', 'grant this user the right to create tables in the schema'],
])

function refusalOf(error: unknown): unknown {
  const cause = error instanceof StoreUnavailable ? error.cause : error
  if (isRefusedByPooler(cause)) return poolerRefusal(cause)
  const advice = cause instanceof pg.DatabaseError ? refusals.get(cause.code ?? '') : undefined
  if (!advice || !(cause instanceof Error)) return error
  return new StoreRefused(`PostgreSQL refuses this program (${cause.message}): ${advice}.`, { cause })
}

export const postgresTarget = (kysely: Kysely<Schema>, clock: () => number): MigrationTarget => ({
  kysely,
  clock,
  types: {
    // Compared by bytes as SQLite does, whatever the locale of the server, and faster.
    text: sql`text collate "C"`,
    integer: sql`bigint`,
    bytes: sql`bytea`,
    counted: sql`bigint generated always as identity`,
    keyedTable: sql``,
    countedTable: sql``,
  },
  async lock(kysely, onWaiting) {
    const key = sql`${sql.lit(ownLocks)}, ${sql.lit(migrationLock)}`
    const { rows } = await sql<{ ours: boolean }>`select pg_try_advisory_xact_lock(${key}) as ours`.execute(
      kysely,
    )
    if (rows[0]?.ours) return
    onWaiting()
    await sql`select pg_advisory_xact_lock(${key})`.execute(kysely)
  },
  async hasTable(kysely, name) {
    // Not `to_regclass`: after waiting for the lock it still answers from what the session had looked up before.
    const { rows } = await sql`select 1 from pg_catalog.pg_tables
      where schemaname = any (current_schemas(false)) and tablename = ${name}`.execute(kysely)
    return rows.length > 0
  },
})
