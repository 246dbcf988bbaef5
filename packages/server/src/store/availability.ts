/**
 * Whether the database answers and, as far as anybody has tried to write, takes what is written: known from every call
 * that it refuses, and then from looks at it until both are so again. One refusal is enough to say that it is lost; no single success says that it is back, since
 * a disk that is full takes a small write now and then.
 */

import { type Database, StoreBusy, StoreUnavailable } from './database.ts'

export interface Watching {
  readonly db: Database
  /** Epoch seconds. */
  readonly clock: () => number
  readonly random: (bytes: number) => Uint8Array
  /** Once, with the sentence of the first refusal. */
  readonly onLost: (reason: string) => void
  /** Once, with how long it was lost. */
  readonly onBack: (seconds: number) => void
}

export interface WatchedDatabase {
  /** The same database: what it refuses is noticed. */
  readonly db: Database
  /** To be called again and again; nobody else may notice for a long time. */
  look(): Promise<void>
}

export function watchDatabase({ db, clock, random, onLost, onBack }: Watching): WatchedDatabase {
  let lostAt: number | null = null

  function notice(error: unknown): void {
    if (lostAt !== null || !(error instanceof StoreUnavailable) || error instanceof StoreBusy) return
    lostAt = clock()
    onLost(error.message)
  }

  async function noticing<Result>(asked: Promise<Result>): Promise<Result> {
    try {
      return await asked
    } catch (error) {
      notice(error)
      throw error
    }
  }

  const watched: Database = {
    engine: db.engine,
    dated: (ownSeconds) => db.dated(ownSeconds),
    secondsAhead: () => db.secondsAhead(),
    get kysely() {
      return db.kysely
    },
    get changes() {
      return db.changes
    },
    // What is answered at once stays so: the hot path does not wait.
    read(query, values) {
      try {
        const rows = db.read(query, values)
        return rows instanceof Promise ? noticing(rows) : rows
      } catch (error) {
        notice(error)
        throw error
      }
    },
    write: (work, by) => noticing(db.write(work, by)),
    insertUses: (uses) => noticing(db.insertUses(uses)),
    insertOpaqueTokens: (tokens) => noticing(db.insertOpaqueTokens(tokens)),
    ping: () => noticing(db.ping()),
    close: () => db.close(),
  }

  /** A row that differs each time: where nothing changes, nothing is written. It is swept like others whose time is over. */
  const proveWritable = () => watched.insertUses([{ digest: random(32), expiresAt: clock() }])

  return {
    db: watched,
    async look() {
      await watched.ping()
      if (lostAt === null) return
      await proveWritable()
      onBack(clock() - lostAt)
      lostAt = null
    },
  }
}
