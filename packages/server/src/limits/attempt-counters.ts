/** Counters in memory, one for each name in each minute; what is counted here is noted for the other nodes to hear. */

import { RecentMap } from '@sallyport/protocol'
import type { Tally } from './attempt-relay.ts'

export const windowSeconds = 60

// About 15 MB at the most, however many names a flood brings.
const countersKept = 50_000

/** Minutes begin at the same instant on every node, or their counts could not be added up. */
export const windowOf = (now: number): number => now - (now % windowSeconds)

/** A wrong secret that was counted, as far as recognizing it needs. */
export interface WrongSecret {
  /** Where it stood in the request. */
  readonly presentation: string
  /** Of each reading of it. Made with a key, and cut, so that it proves nothing. */
  readonly digests: readonly string[]
}

export interface Counter {
  readonly name: string
  readonly windowStartedAt: number
  count: number
  /** What the other nodes have not heard of yet. */
  unwritten: number
  /** What this machine has counted, in whichever process. */
  local: number
  /** What the other processes of this machine may not have heard of yet. */
  unheard: number
  /** The wrong secret that was counted last, and whether its second presentation has come. */
  lastWrong: (WrongSecret & { isExcused: boolean }) | null
}

/** What counters are shared through: other nodes, and this one after a restart. */
export interface Sharing {
  readonly hasRecollection: boolean
  /** What was counted before this process knew of the name; 0 for nothing. */
  recall(name: string, windowStartedAt: number): number
  /** The counter's `unwritten` has changed. */
  note(counter: Counter): void
}

/** For a process of its own, and for tests of the limits alone. */
export const unshared: Sharing = { hasRecollection: false, recall: () => 0, note: () => {} }

export interface AttemptCounters {
  /** Nothing has been counted at all: no name needs to be looked for. */
  readonly isEmpty: boolean
  find(name: string, now: number): Counter | undefined
  /** Counts one. */
  count(name: string, now: number): Counter
  takeBack(counter: Counter): void
  /** Another process has counted, or (`isOwn`) the others have heard what this one has. */
  hear(tally: Omit<Tally, 'of'>, isOwn: boolean): void
}

/** False for what the other processes will not be told. */
type Tell = (tally: Omit<Tally, 'of'>) => boolean

export function createAttemptCounters(sharing: Sharing, tell: Tell = () => false): AttemptCounters {
  // Two generations: taking the oldest out of one map costs more with each one taken, which a flood would use.
  const kept = new RecentMap<Counter>(countersKept)

  // The minute is part of the key: a clock that is set back, or a request that was late, finds its own.
  const keyOf = (name: string, now: number) => `${windowOf(now)} ${name}`

  function keep(name: string, now: number, count: number): Counter {
    const fresh = { unwritten: 0, local: 0, unheard: 0, lastWrong: null }
    const counter: Counter = { name, windowStartedAt: windowOf(now), count, ...fresh }
    kept.set(keyOf(name, now), counter)
    return counter
  }

  function find(name: string, now: number): Counter | undefined {
    const known = kept.get(keyOf(name, now))
    if (known) return known
    const recalled = sharing.recall(name, windowOf(now))
    return recalled > 0 ? keep(name, now, recalled) : undefined
  }

  function add(counter: Counter, change: 1 | -1): void {
    counter.count += change
    counter.unwritten += change
    counter.local += change
    sharing.note(counter)
    const { name, windowStartedAt } = counter
    if (tell({ name, windowStartedAt, change })) counter.unheard += change
  }

  const obtain = (name: string, now: number): Counter => find(name, now) ?? keep(name, now, 0)

  return {
    get isEmpty() {
      return kept.size === 0 && !sharing.hasRecollection
    },
    find,
    count(name, now) {
      const counter = obtain(name, now)
      add(counter, 1)
      return counter
    },
    takeBack(counter) {
      if (counter.count > 0) add(counter, -1)
    },
    hear({ name, windowStartedAt, change }, isOwn) {
      const counter = obtain(name, windowStartedAt)
      if (isOwn) counter.unheard -= change
      else {
        counter.count += change
        counter.local += change
      }
    },
  }
}
