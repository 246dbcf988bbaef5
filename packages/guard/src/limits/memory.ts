/** Limits of one process. The buckets are bounded, and those in use are not the ones that go. */

import { type Elapsed, systemElapsed } from '../effects.ts'
import { objectOf } from '../option-checks.ts'
import { bucketChecks, refuseProblems } from '../store-options.ts'
import { bucketName } from './key.ts'
import type { Limit, LimitStore, Taken } from './limit.ts'
import { type Bucket, emptyBucket, fullAgainAt, giveBackTo, takeFrom, takenFrom } from './sliding-window.ts'

/** How large the memory is, and its clock. */
export interface MemoryLimitsOptions {
  readonly elapsed?: Elapsed
  /** How many buckets are kept. */
  readonly entries?: number
}

export interface MemoryLimits extends LimitStore {
  take(key: string, limit: Limit): Taken
  /** Takes back what was counted for a request that did not pass after all. */
  giveBack(key: string, limit: Limit): void
}

// About 15 MB of apps that asked once, however many there are, and 30 MB of busy ones.
export const defaultEntries = 50_000
// Looking further would cost each newcomer of a flood more than it finds.
const lookedAt = 8

/** Two links and not the order of the map: taking the oldest out of a map costs more with each one taken. */
interface Entry {
  readonly name: string
  readonly bucket: Bucket
  older: Entry | null
  newer: Entry | null
}

class RecentBuckets {
  readonly #entries = new Map<string, Entry>()
  readonly #limit: number
  #oldest: Entry | null = null
  #newest: Entry | null = null

  constructor(limit: number) {
    this.#limit = limit
  }

  find(name: string): Bucket | undefined {
    return this.#entries.get(name)?.bucket
  }

  /** Found or made, and the most recently used from now on. */
  use(name: string, limit: Limit): Bucket {
    const known = this.#entries.get(name)
    if (known !== undefined) {
      if (known !== this.#newest) this.#append(this.#detach(known))
      return known.bucket
    }
    if (this.#entries.size >= this.#limit) this.#evict()
    const entry: Entry = { name, bucket: emptyBucket(limit), older: null, newer: null }
    this.#entries.set(name, entry)
    this.#append(entry)
    return entry.bucket
  }

  /** Of those that were idle longest, the one that loses least: it is full again, or will be first. */
  #evict(): void {
    let chosen = this.#oldest
    if (chosen === null) return
    let entry = chosen.newer
    for (let seen = 1; entry !== null && seen < lookedAt; seen++) {
      if (fullAgainAt(entry.bucket) < fullAgainAt(chosen.bucket)) chosen = entry
      entry = entry.newer
    }
    this.#entries.delete(this.#detach(chosen).name)
  }

  #detach(entry: Entry): Entry {
    if (entry.older) entry.older.newer = entry.newer
    else this.#oldest = entry.newer
    if (entry.newer) entry.newer.older = entry.older
    else this.#newest = entry.older
    return entry
  }

  #append(entry: Entry): void {
    entry.older = this.#newest
    entry.newer = null
    if (this.#newest) this.#newest.newer = entry
    else this.#oldest = entry
    this.#newest = entry
  }
}

const optionsCheck = objectOf<MemoryLimitsOptions>(bucketChecks)

/**
 * Limits that this process keeps to by itself; each process beside it passes as much again. It does not outlive a
 * restart, and does not check that a limit is one. Throws `GuardOptionsError` for its own options, and nothing later.
 *
 * @example
 * ```ts
 * import { createGuard, createMemoryLimits } from '@sallyport/guard'
 *
 * const guard = createGuard({
 *   issuer: 'https://auth.example.com/acme',
 *   audience: 'https://api.example.com',
 *   limits: { store: createMemoryLimits({ entries: 10_000 }) },
 * })
 * ```
 */
export function createMemoryLimits(options: MemoryLimitsOptions = {}): MemoryLimits {
  refuseProblems('createMemoryLimits', [...optionsCheck(options, 'options')])
  const { elapsed = systemElapsed, entries = defaultEntries } = options
  const buckets = new RecentBuckets(entries)
  return {
    take(key, limit) {
      const bucket = buckets.use(bucketName(key, limit), limit)
      return takenFrom(limit, takeFrom(bucket, elapsed()), false)
    },
    giveBack(key, limit) {
      const bucket = buckets.find(bucketName(key, limit))
      if (bucket !== undefined) giveBackTo(bucket)
    },
  }
}
