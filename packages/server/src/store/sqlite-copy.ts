/** A SQLite database as one file: copied while others write to it, found whole, and held by nobody else. */

import { backup, DatabaseSync } from 'node:sqlite'
import { StoreRefused } from './database.ts'
import { primaryCode, readingKysely, resultCodes, translateSqliteError } from './sqlite-driver.ts'
import { findUnusedRestore } from './unused-restore.ts'
import { unknownUses } from './used-once.ts'

export interface CopyProgress {
  readonly donePages: number
  readonly totalPages: number
}

/** 16 MiB of the usual pages: often enough for a line a second. */
const pagesPerStep = 4096

/**
 * The database of one moment, in one file. Writers go on meanwhile, but their log grows until the copy is done.
 * `to` is an empty file or none.
 */
export async function copySqlite(
  from: string,
  to: string,
  onProgress: (progress: CopyProgress) => void = () => {},
): Promise<void> {
  // Whoever may write takes the log away again, where it is the last to close; whoever may not opens it all the same.
  const source = openOurs(from)
  try {
    source.exec('pragma query_only = on')
    // Pins the moment: without a transaction around them, the steps begin again after every write of somebody else.
    source.exec('begin')
    source.prepare('select count(*) from sqlite_schema').get()
    await backup(source, to, {
      rate: pagesPerStep,
      progress: ({ totalPages, remainingPages }) =>
        onProgress({ totalPages, donePages: totalPages - remainingPages }),
    })
  } catch (error) {
    throw refusalOf(error, from)
  } finally {
    source.close()
  }
}

/** Throws `StoreRefused` for what is not ours or not whole; leaves all of it in the one file, whatever it was written with. */
export function checkSqliteCopy(file: string, name: string): void {
  const copy = openOurs(file, name)
  try {
    copy.exec('pragma journal_mode = delete')
    const [found] = copy.prepare('pragma integrity_check(1)').all()
    if (found?.integrity_check !== 'ok') throw damaged(name)
  } catch (error) {
    throw refusalOf(error, name)
  } finally {
    copy.close()
  }
}

function openOurs(file: string, name = file): DatabaseSync {
  const connection = new DatabaseSync(file, { timeout: 1000 })
  try {
    const tables = connection.prepare("select name from sqlite_schema where type = 'table'").all()
    if (tables.some((table) => table.name === 'schema_migrations')) return connection
    throw new StoreRefused(`${name} is no Sallyport database. Name another file.`)
  } catch (error) {
    connection.close()
    throw refusalOf(error, name)
  }
}

const damaged = (name: string, cause?: unknown) =>
  new StoreRefused(`The database in ${name} is damaged. Take another backup.`, { cause })

function refusalOf(error: unknown, name: string): unknown {
  switch (primaryCode(error)) {
    case resultCodes.notADatabase:
      return new StoreRefused(`${name} is no SQLite database. Name another file.`, { cause: error })
    case resultCodes.corrupt:
      return damaged(name, error)
    case resultCodes.busy:
      return new StoreRefused(`The database ${name} is locked by another program.`, { cause: error })
    default:
      return translateSqliteError(error)
  }
}

export interface Hold {
  /** False for a file that SQLite cannot read: whether anybody has it open cannot be told then. */
  readonly isCertain: boolean
  /** Lets others in again. */
  release(): void
}

/**
 * Null where another process has the database open. Otherwise nobody gets in until `release`, and all that was written
 * stands in the file itself: there is no log beside it any more.
 */
export function holdAlone(file: string): Hold | null {
  const connection = new DatabaseSync(file, { timeout: 0 })
  try {
    // Every open connection shares a lock in WAL mode, even at rest; only who is alone can leave that mode.
    connection.exec('pragma locking_mode = exclusive; pragma journal_mode = delete; begin exclusive')
    const [mode] = connection.prepare('pragma journal_mode').all()
    if (mode?.journal_mode === 'wal') throw new StoreRefused(`The log of ${file} cannot be written back.`)
    return { isCertain: true, release: () => connection.close() }
  } catch (error) {
    connection.close()
    const code = primaryCode(error)
    if (code === resultCodes.busy || code === resultCodes.locked) return null
    if (code === resultCodes.corrupt || code === resultCodes.notADatabase)
      return { isCertain: false, release() {} }
    throw error
  }
}

/**
 * What one database knows of things that may be used once, added to another; false where it cannot be read, or was put
 * back itself a moment ago and does not know them all.
 */
export function carryUses(from: string, into: string, now: number): boolean {
  const connection = new DatabaseSync(into)
  try {
    connection.prepare('attach ? as other').run(from)
    connection.exec('insert or ignore into used_once select expires_at, digest from other.used_once')
    const marks = connection.prepare('select 1 from used_once where digest = ? and expires_at > ?')
    return marks.all(unknownUses, now).length === 0
  } catch {
    return false
  } finally {
    connection.close()
  }
}

/** Whether a database was put back itself and holds nothing that was done since; null where it cannot be read. */
export async function isUnusedRestore(file: string): Promise<boolean | null> {
  let connection: DatabaseSync | undefined
  try {
    connection = openOurs(file)
    return (await findUnusedRestore({ kysely: readingKysely(connection) })) !== null
  } catch {
    return null
  } finally {
    connection?.close()
  }
}
