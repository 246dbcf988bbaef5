/**
 * Once means once: of all who bring the same digest, on every node and after every restart, one hears `true`.
 *
 * The row is the use: whoever inserts it was first. Uses that arrive in one turn of the event loop, or while a write
 * is under way, share the next transaction, so that under load a use costs a few microseconds and not a disk flush.
 */

import { type Database, StoreUnavailable, type Use } from './database.ts'
import { sweepInBites } from './sweep.ts'
import { deleteUses } from './used-once.ts'

export interface SingleUse {
  /** True for exactly one caller, ever. Throws `StoreUnavailable` when nobody can know: refuse the bearer then. */
  use(entry: Use): Promise<boolean>
  /** Forgets what nobody can bring again; answers how many. */
  sweep(now: number): Promise<number>
}

interface Waiting extends Use {
  readonly resolve: (isFirst: boolean) => void
  readonly reject: (error: unknown) => void
}

const digestBytes = 32
/** Two bound values each on PostgreSQL. */
const usesPerTransaction = 500
/** Whoever would wait behind this many is better told to come again. */
const waitingLimit = 5000
/** A clock that is set back by an hour must find everything that it makes valid again, tolerance included. */
const keptAfterExpirySeconds = 3600 + 300

export function createSingleUse(db: Database): SingleUse {
  let waiting: Waiting[] = []
  let isWriting = false

  async function writeWaiting(): Promise<void> {
    const batch = waiting.slice(0, usesPerTransaction)
    waiting = waiting.slice(usesPerTransaction)
    try {
      const isNew = await db.insertUses(batch)
      for (const [index, { resolve }] of batch.entries()) resolve(isNew[index] === true)
    } catch (error) {
      // Who came meanwhile has waited for this answer as well, and would now wait as long again.
      for (const { reject } of [...batch, ...waiting.splice(0)]) reject(error)
    }
    isWriting = waiting.length > 0
    if (isWriting) setImmediate(writeWaiting)
  }

  return {
    use({ digest, expiresAt }) {
      // The database would refuse them, and with them everybody else of the batch.
      if (digest.length !== digestBytes) return Promise.reject(new TypeError('a digest has 32 bytes'))
      if (!Number.isSafeInteger(expiresAt))
        return Promise.reject(new TypeError('expiresAt is in whole seconds'))
      if (waiting.length >= waitingLimit)
        return Promise.reject(new StoreUnavailable('too many are waiting for the database'))
      return new Promise((resolve, reject) => {
        waiting.push({ digest, expiresAt, resolve, reject })
        if (isWriting) return
        isWriting = true
        setImmediate(writeWaiting)
      })
    },
    sweep: (now) =>
      sweepInBites(db, (kysely, limit) => deleteUses(kysely, now - keptAfterExpirySeconds, limit)),
  }
}
