/**
 * Once means once: of all who bring the same digest, on every node and after every restart, one hears `true`.
 * The row is the use: whoever inserts it was first.
 */

import type { Database, Use } from './database.ts'
import { createGroupCommit } from './group-commit.ts'
import { sweepInBites } from './sweep.ts'
import { deleteUses } from './used-once.ts'

export interface SingleUse {
  /** True for exactly one caller, ever. Throws `StoreUnavailable` when nobody can know: refuse the bearer then. */
  use(entry: Use): Promise<boolean>
  /** Forgets what nobody can bring again, until `stopping`; answers how many. */
  sweep(now: number, stopping?: AbortSignal): Promise<number>
}

const digestBytes = 32
/** Two bound values each on PostgreSQL. */
const usesPerTransaction = 500
/** A clock that is set back by an hour must find everything that it makes valid again, tolerance included. */
const keptAfterExpirySeconds = 3600 + 300

export function createSingleUse(db: Database): SingleUse {
  const insert = createGroupCommit<Use, boolean>({
    entriesPerTransaction: usesPerTransaction,
    write: (uses) => db.insertUses(uses),
  })
  return {
    use(entry) {
      const { digest, expiresAt } = entry
      // The database would refuse them, and with them everybody else of the batch.
      if (digest.length !== digestBytes) return Promise.reject(new TypeError('a digest has 32 bytes'))
      if (!Number.isSafeInteger(expiresAt))
        return Promise.reject(new TypeError('expiresAt is in whole seconds'))
      return insert(entry)
    },
    sweep(now, stopping) {
      const before = now - keptAfterExpirySeconds
      return sweepInBites(db, (kysely, limit) => deleteUses(kysely, before, limit), stopping)
    },
  }
}
