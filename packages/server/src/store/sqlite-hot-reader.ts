/**
 * The hot path's own connection: answers at once, outside every write.
 *
 * Each read on its own would lock and unlock the file, a third of its time. So the first read of a turn of the
 * event loop opens a snapshot, the others of that turn share it, and it ends with the turn: a request that arrives
 * after a commit, whoever made it, is served in a later turn and sees it.
 */

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { PreparedQuery, Read } from './prepared.ts'
import { translateSqliteError } from './sqlite-driver.ts'

export interface HotReader {
  readonly read: Read
  /** Sees the newest commit even in the middle of a turn, and so does every `read` after it. */
  readonly readNow: Read
  /** Ends the snapshot; without this a commit could not empty the write-ahead log. */
  release(): void
}

export function createHotReader(connection: DatabaseSync): HotReader {
  const statements = new Map<PreparedQuery<unknown>, StatementSync>()
  const begin = connection.prepare('begin')
  const end = connection.prepare('commit')
  let hasSnapshot = false

  const release = () => {
    if (!hasSnapshot) return
    hasSnapshot = false
    // A failing read may have ended the transaction already.
    if (connection.isTransaction) end.run()
  }

  const open = () => {
    begin.run()
    hasSnapshot = true
    setImmediate(release)
  }

  const prepare = (query: PreparedQuery<unknown>) => {
    const statement = connection.prepare(query.sqlite)
    // Arrays cost `node:sqlite` less than objects.
    statement.setReturnArrays(true)
    statements.set(query, statement)
    return statement
  }

  const run = <Row>(query: PreparedQuery<Row>, values: readonly (string | number)[]): Row[] => {
    const statement = statements.get(query) ?? prepare(query)
    return statement.all(...values) as Row[]
  }

  return {
    release,
    read(query, values) {
      try {
        if (!hasSnapshot) open()
        return run(query, values)
      } catch (error) {
        throw translateSqliteError(error)
      }
    },
    readNow(query, values) {
      try {
        release()
        return run(query, values)
      } catch (error) {
        throw translateSqliteError(error)
      }
    },
  }
}
