/** `node:sqlite` as Kysely wants it, with its errors told apart: busy, full and broken are not the caller's fault. */

import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'
import {
  CompiledQuery,
  type DatabaseConnection,
  Kysely,
  type SqliteDatabase,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
  type SqliteStatement,
} from 'kysely'
import { StoreConflict, StoreUnavailable } from './database.ts'
import type { Schema } from './schema.ts'

/** SQLite's primary result codes that this store reacts to. */
export const resultCodes = {
  busy: 5,
  locked: 6,
  outOfMemory: 7,
  readOnly: 8,
  inputOutput: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const

const lockedByAnother =
  'The database is locked by another program: wait until that has ended or stop it, then try again.'

/** What an operator is told instead of SQLite's own words, which name no next step. */
const sentences: Readonly<Record<number, string>> = {
  [resultCodes.busy]: lockedByAnother,
  [resultCodes.locked]: lockedByAnother,
  [resultCodes.outOfMemory]: 'There is no memory left for the database: stop something else on this machine.',
  [resultCodes.readOnly]:
    'The database cannot be written: its disk is read-only, or this user lacks write access to the data folder.',
  [resultCodes.inputOutput]:
    'The disk of the data folder cannot be read or written: look for room on it, and for its errors in the log of ' +
    'this machine.',
  [resultCodes.corrupt]: 'The database is damaged: stop the server, keep the file, and restore a backup.',
  [resultCodes.full]: 'The disk of the data folder is full: make room on it, then try again.',
  [resultCodes.cannotOpen]:
    'The database cannot be opened: give this user access to the data folder and the files in it.',
  [resultCodes.notADatabase]:
    'The database file is no SQLite database any more: stop the server, keep the file, and restore a backup.',
}

/** Extended codes: a foreign key, a primary key, a unique index. */
const conflictCodes: ReadonlySet<number> = new Set([787, 1555, 2067])

/** SQLite's own code behind an error of this store or of `node:sqlite`; the low byte is the primary code. */
function sqliteCode(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined
  if ('errcode' in error && typeof error.errcode === 'number') return error.errcode
  return sqliteCode(error.cause)
}

export const primaryCode = (error: unknown): number => (sqliteCode(error) ?? 0) & 0xff

export function translateSqliteError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StoreUnavailable) return error
  const code = sqliteCode(error) ?? 0
  if (conflictCodes.has(code)) return new StoreConflict(error.message, { cause: error })
  const sentence = sentences[code & 0xff]
  return sentence === undefined ? error : new StoreUnavailable(sentence, { cause: error })
}

function translating<Result>(run: () => Result): Result {
  try {
    return run()
  } catch (error) {
    throw translateSqliteError(error)
  }
}

/** Enough for every text the store builds; a text with a long list of values is different each time. */
const keptStatements = 200

/** Kysely closes nothing here: whoever opened the connection closes it. */
function asKyselyDatabase(connection: DatabaseSync): SqliteDatabase {
  const kept = new Map<string, SqliteStatement>()
  return {
    close() {},
    prepare(text) {
      const known = kept.get(text)
      if (known) return known
      const statement = asKyselyStatement(translating(() => connection.prepare(text)))
      if (kept.size >= keptStatements) kept.clear()
      kept.set(text, statement)
      return statement
    },
  }
}

function asKyselyStatement(statement: StatementSync): SqliteStatement {
  const values = (parameters: readonly unknown[]) => parameters as SQLInputValue[]
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => translating(() => statement.all(...values(parameters))),
    run: (parameters) => translating(() => statement.run(...values(parameters))),
    iterate: (parameters) => statement.iterate(...values(parameters)),
  }
}

/** Ordinary reads on a connection that cannot write. */
export const readingKysely = (connection: DatabaseSync): Kysely<Schema> =>
  new Kysely<Schema>({ dialect: new SqliteDialect({ database: asKyselyDatabase(connection) }) })

/**
 * Transactions that take SQLite's one write lock when they begin, so that none fails half-way for want of it.
 * `beforeCommit` runs in the same breath as the commit.
 */
export function writingKysely(
  connection: DatabaseSync,
  lockWaitMilliseconds: number,
  beforeCommit: () => void = () => {},
): Kysely<Schema> {
  const config = { database: asKyselyDatabase(connection) }
  const dialect = new SqliteDialect(config)
  dialect.createDriver = () => new WriterDriver(config, { connection, lockWaitMilliseconds, beforeCommit })
  return new Kysely<Schema>({ dialect })
}

/** Between those who write one after the other the lock is free for a fraction of a millisecond. */
const retryMilliseconds = 1

interface WriterSettings {
  readonly connection: DatabaseSync
  readonly lockWaitMilliseconds: number
  readonly beforeCommit: () => void
}

class WriterDriver extends SqliteDriver {
  readonly #settings: WriterSettings

  constructor(config: SqliteDialectConfig, settings: WriterSettings) {
    super(config)
    this.#settings = settings
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await whileBusy(this.#settings.lockWaitMilliseconds, () =>
      connection.executeQuery(CompiledQuery.raw('begin immediate')),
    )
  }

  override async commitTransaction(connection: DatabaseConnection): Promise<void> {
    this.#settings.beforeCommit()
    await super.commitTransaction(connection)
  }

  /** A full disk has already ended the transaction, and a second end would hide the first error. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#settings.connection.isTransaction) await super.rollbackTransaction(connection)
  }
}

/**
 * SQLite's own busy timeout would hold up the whole process; this gives the event loop its turn between tries, which are
 * counted: a loop that is busy itself gets as many.
 */
export async function whileBusy<Result>(
  lockWaitMilliseconds: number,
  run: () => Result | Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run()
    } catch (error) {
      const isOver = attempt * retryMilliseconds >= lockWaitMilliseconds
      if (primaryCode(error) !== resultCodes.busy || isOver) throw error
      await wait(retryMilliseconds)
    }
  }
}
