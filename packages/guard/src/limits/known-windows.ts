/**
 * What a process knows of the windows that it shares: how each stood when it was last told, and what it has passed since
 * without asking. The first is what it goes by while it cannot ask, the second what it owes the others.
 */

import { RecentMap } from '@sallyport/protocol'
import type { Elapsed } from '../effects.ts'
import type { Limit } from './limit.ts'
import { readState } from './shared-window.ts'
import { type Bucket, bucketOf, partOf, type Standing, takeFrom } from './sliding-window.ts'

export interface KnownWindows {
  /** As the others have it now. */
  learn(name: string, state: string): void
  /** Counts by what is known, without asking. */
  take(name: string, limit: Limit): Standing
  /** A request passed that the others will not hear of otherwise. */
  owe(name: string, limit: Limit): void
  owes(name: string): boolean
  /** Tells what is owed, which is owed no longer. */
  settle(name: string): readonly Passed[]
  /** It was not heard. */
  putBack(name: string, passed: readonly Passed[]): void
}

/** So many requests, the first of them at that time. */
export interface Passed {
  readonly at: number
  count: number
}

interface Known {
  /** Read into a bucket when that is needed, which is seldom. */
  state: string
  toldAt: number
  bucket: Bucket | null
  owed: Passed[]
}

const empty = '0'

export function createKnownWindows(elapsed: Elapsed, entries: number): KnownWindows {
  const windows = new RecentMap<Known>(entries)

  function use(name: string): Known {
    const known = windows.get(name)
    if (known !== undefined) return known
    const unknown: Known = { state: empty, toldAt: 0, bucket: null, owed: [] }
    windows.set(name, unknown)
    return unknown
  }

  return {
    learn(name, state) {
      const known = use(name)
      known.state = state
      known.toldAt = elapsed()
      known.bucket = null
    },
    take(name, limit) {
      const known = use(name)
      known.bucket ??= bucketOf(limit, readState(known.state), known.toldAt)
      return takeFrom(known.bucket, elapsed())
    },
    owe(name, limit) {
      const known = use(name)
      const now = elapsed()
      known.owed = known.owed.filter(({ at }) => at > now - limit.windowSeconds * 1000)
      const last = known.owed.at(-1)
      if (last !== undefined && last.count < partOf(limit)) last.count += 1
      else known.owed.push({ at: now, count: 1 })
    },
    owes: (name) => (windows.get(name)?.owed.length ?? 0) > 0,
    settle(name) {
      const known = windows.get(name)
      if (known === undefined || known.owed.length === 0) return none
      const owed = known.owed
      known.owed = []
      return owed
    },
    putBack(name, passed) {
      if (passed.length > 0) use(name).owed.unshift(...passed)
    },
  }
}

const none: readonly Passed[] = []
