/**
 * The embedded database: one file, three connections. One writes; one answers the hot path at once and never
 * sees what is not committed; one serves ordinary reads and snapshots. A thread has a fourth, for small
 * writes that somebody waits for.
 */

import { accessSync, closeSync, constants, existsSync, openSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type Kysely, sql } from 'kysely'
import { DatabaseChangeFeed, pollFeed } from './changes.ts'
import { type Database, StoreRefused, StoreUnavailable } from './database.ts'
import { makeFolder } from './make-folder.ts'
import { type MigrationTarget, migrate, migrations, type SchemaUse } from './migrations.ts'
import { prepareRead } from './prepared.ts'
import type { Schema } from './schema.ts'
import {
  primaryCode,
  readingKysely,
  resultCodes,
  translateSqliteError,
  whileBusy,
  writingKysely,
} from './sqlite-driver.ts'
import { createHotReader } from './sqlite-hot-reader.ts'
import { createSqliteThread } from './sqlite-thread.ts'
import { nextStep } from './unwritable.ts'
import { runWrite } from './write.ts'

export interface SqliteOptions extends SchemaUse {
  readonly file: string
  /** Epoch seconds. */
  readonly clock: () => number
  /** `off` lets a power cut take acknowledged writes: for tests. */
  readonly synchronous?: 'full' | 'off'
}

/** How far this process may lag behind another that writes the same file. */
const pollMilliseconds = 25
const lockWaitMilliseconds = 1000
/** Starting may have to wait for another process that is migrating the same file. */
const startLockWaitMilliseconds = 10_000
/** About 8 ms; a larger file would delay the first token, and damage there shows when the page is read. */
const checkedAtStartBytes = 4 * 1024 * 1024

export async function openSqlite(options: SqliteOptions): Promise<Database> {
  const { file, clock } = options
  const connections: DatabaseSync[] = []
  const open = (settings: { readOnly?: boolean; timeout?: number }) => {
    const connection = new DatabaseSync(file, settings)
    connections.unshift(connection)
    return connection
  }
  const closeAll = () => {
    for (const connection of connections.splice(0)) connection.close()
  }
  try {
    prepareFile(file)
    const writer = open({})
    const opened = statSync(file)
    await whileBusy(startLockWaitMilliseconds, () => setUpWriter(writer, options))
    await migrate(sqliteTarget(writingKysely(writer, lockWaitMilliseconds), clock), migrations, options)
    const hotConnection = open({ readOnly: true, timeout: lockWaitMilliseconds })
    hotConnection.exec('pragma cache_size = -8000')
    const hot = createHotReader(hotConnection)
    const writing = writingKysely(writer, lockWaitMilliseconds, hot.release)
    const kysely = readingKysely(open({ readOnly: true, timeout: lockWaitMilliseconds }))
    const feed = await DatabaseChangeFeed.start(hot.readNow, clock)
    const { synchronous = 'full' } = options
    const thread = createSqliteThread({ file, synchronous, lockWaitMilliseconds })
    const stopPolling = pollFeed(feed, pollMilliseconds)
    const appending = { kysely: writing, now: clock, feed, lockFeed: nothing, announce: nothing }
    return {
      engine: 'sqlite',
      dated: (ownSeconds) => ownSeconds,
      secondsAhead: () => 0,
      kysely,
      changes: feed,
      read: hot.read,
      write: (work, by) => runWrite(appending, work, by),
      insertUses: thread.insertUses,
      insertOpaqueTokens: thread.insertOpaqueTokens,
      async ping() {
        await hot.readNow(anyTenant, [])
        checkSameFile(file, opened)
      },
      async close() {
        stopPolling()
        // Whatever the poll has begun ends before its connection does; the writer goes last and checkpoints.
        await feed.catchUp().catch(() => {})
        await thread.close()
        hot.release()
        closeAll()
      },
    }
  } catch (error) {
    closeAll()
    throw refusalOf(error, file)
  }
}

const anyTenant = prepareRead<[id: string]>((db) =>
  db.selectFrom('tenants').select('id').limit(sql.lit(1)).compile(),
)

/** BEGIN IMMEDIATE already makes a writer the only one, and other processes poll. */
const nothing = async () => {}

/** Before SQLite touches it, so that the reason of a failure is known; only the owner may read what is created. */
function prepareFile(file: string): void {
  const folder = dirname(file)
  writableOr(file, 'give this user write access to the folder, or name another one.', () => {
    makeFolder(folder)
    accessSync(folder, constants.W_OK)
    if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600))
  })
  writableOr(file, 'give this user write access to it.', () => accessSync(file, constants.W_OK))
}

function writableOr(file: string, step: string, attempt: () => void): void {
  try {
    attempt()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${error.code})` : ''
    throw new StoreRefused(`The database file ${file} cannot be written${code}: ${nextStep(error, step)}`, {
      cause: error,
    })
  }
}

/** SQLite goes on with a file that has no name any more, and what is written there is lost with the process. */
function checkSameFile(file: string, { dev, ino }: Stats): void {
  const now = statOf(file)
  if (now?.dev === dev && now.ino === ino) return
  throw new StoreUnavailable(
    'The database file was removed or replaced under the running server: stop it, and restore a backup.',
  )
}

function statOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false })
  } catch (cause) {
    throw new StoreUnavailable(
      `The data folder cannot be read: ${nextStep(cause, 'give this user access to it.')}`,
      { cause },
    )
  }
}

function setUpWriter(writer: DatabaseSync, { file, synchronous = 'full' }: SqliteOptions): void {
  refuseForeignFile(writer, file)
  writer.exec(`pragma journal_mode = wal; pragma synchronous = ${synchronous}; pragma foreign_keys = on`)
  writer.exec('pragma journal_size_limit = 67108864')
  if (statSync(file).size > checkedAtStartBytes) return
  const [found] = writer.prepare('pragma quick_check(1)').all()
  if (found?.quick_check !== 'ok') throw damaged(file)
}

/** The first read of the file: a damaged one fails here, before the journal mode is written into it. */
function refuseForeignFile(writer: DatabaseSync, file: string): void {
  const tables = writer.prepare("select name from sqlite_schema where type = 'table'").all()
  if (tables.length === 0 || tables.some(({ name }) => name === 'schema_migrations')) return
  throw new StoreRefused(`${file} is the database of another program: name another file or folder.`)
}

/** The key goes with it: without its database it is refused, so that a lost disk is not taken for a first start. */
const waysOn =
  'restore a backup over it with `sallyport restore FILE --yes`, or, to begin anew, move it and its master key away'

const damaged = (file: string, cause?: unknown) =>
  new StoreRefused(`The database file ${file} is damaged: ${waysOn}. Nothing has been changed.`, { cause })

function refusalOf(error: unknown, file: string): unknown {
  if (error instanceof StoreRefused) return error
  switch (primaryCode(error)) {
    case resultCodes.notADatabase:
      return new StoreRefused(
        `${file} is not a SQLite database: name another file, or ${waysOn}. Nothing has been changed.`,
        { cause: error },
      )
    case resultCodes.corrupt:
      return damaged(file, error)
    case resultCodes.busy:
      return new StoreRefused(
        `The database file ${file} is locked by another program: stop it, then start again.`,
        {
          cause: error,
        },
      )
    case resultCodes.readOnly:
    case resultCodes.cannotOpen:
      return new StoreRefused(
        `The database file ${file} cannot be opened for writing: check its permissions.`,
        {
          cause: error,
        },
      )
    default:
      return translateSqliteError(error)
  }
}

export const sqliteTarget = (kysely: Kysely<Schema>, clock: () => number): MigrationTarget => ({
  kysely,
  clock,
  types: {
    text: sql`text`,
    integer: sql`integer`,
    bytes: sql`blob`,
    counted: sql`integer`,
    keyedTable: sql`strict, without rowid`,
    countedTable: sql`strict`,
  },
  // BEGIN IMMEDIATE has taken the lock.
  lock: nothing,
  async hasTable(kysely, name) {
    const { rows } = await sql`select 1 from sqlite_schema where type = 'table' and name = ${name}`.execute(
      kysely,
    )
    return rows.length > 0
  },
})
