/**
 * Counters of wrong attempts that outlive a restart and that nodes share. What was counted is written every other
 * second, never while somebody waits, and the totals that come back hold what other nodes have counted; in between,
 * and while the database is gone, each node goes by what it knows. The table holds digests, no name and no address.
 */

import { createHmac, createSecretKey } from 'node:crypto'
import type { SecretHasher } from '../keys/secret-hasher.ts'
import type { Database } from '../store/database.ts'
import { type AttemptCount, addAttempts, readAttempts, sweepAttempts } from '../store/throttle.ts'
import { type Counter, type Sharing, windowOf, windowSeconds } from './attempt-counters.ts'

// A write holds up the loop on SQLite for about as many hundredths of a millisecond.
const rowsPerWrite = 500
// Of a flood from more networks than can be written, each node counts the rest for itself.
const waitingLimit = 10_000
const digestBytes = 16
// Nodes whose clocks differ still add up.
const windowsKept = 2

export interface SharedCounters extends Sharing {
  readonly isWaiting: boolean
  /** Reads what was counted in this minute before the process began. */
  restore(now: number): Promise<void>
  /** Writes some of what has been counted, and hears what others have counted. After a failure it is kept. */
  write(now: number): Promise<void>
  /** Forgets what no limit asks for any more, until `stopping`. */
  sweep(now: number, stopping?: AbortSignal): Promise<number>
}

type Digest = (name: string) => Buffer

/** From the pepper, which all nodes have and no dump holds. A tenant without a name makes it equal to no secret's HMAC. */
function keyedDigest(hasher: SecretHasher): Digest {
  const derived = hasher.compute(hasher.currentVersion, '', 'throttle', '')
  if (derived === null) throw new Error('The current pepper is missing.')
  const key = createSecretKey(derived)
  return (name) => createHmac('sha256', key).update(name).digest().subarray(0, digestBytes)
}

const idOf = ({ key, windowStartedAt }: Pick<AttemptCount, 'key' | 'windowStartedAt'>): string =>
  `${windowStartedAt} ${Buffer.from(key).toString('latin1')}`

export function createSharedCounters(db: Database, hasher: SecretHasher): SharedCounters {
  const digest = keyedDigest(hasher)
  const waiting = new Set<Counter>()
  const recalled = new Map<string, number>()
  let recalledUntil = 0

  /** Ended minutes are nobody's business. */
  function forgetEnded(now: number): void {
    const windowStartedAt = windowOf(now)
    if (now >= recalledUntil) recalled.clear()
    for (const counter of waiting) if (counter.windowStartedAt < windowStartedAt) waiting.delete(counter)
  }

  return {
    get isWaiting() {
      return waiting.size > 0
    },
    get hasRecollection() {
      return recalled.size > 0
    },
    recall(name, windowStartedAt) {
      if (recalled.size === 0) return 0
      return recalled.get(idOf({ key: digest(name), windowStartedAt })) ?? 0
    },
    note(counter) {
      if (waiting.size < waitingLimit) waiting.add(counter)
    },
    async restore(now) {
      const counts = await readAttempts(db, windowOf(now))
      for (const one of counts) recalled.set(idOf(one), one.count)
      recalledUntil = windowOf(now) + windowSeconds
    },
    async write(now) {
      forgetEnded(now)
      const counters = [...waiting.values().take(rowsPerWrite)]
      for (const counter of counters) waiting.delete(counter)
      const rows = counters.map(takeUnwritten).filter(({ count }) => count !== 0)
      if (rows.length === 0) return
      try {
        const totals = await db.write((tx) => addAttempts(tx, rows))
        adopt(rows, totals)
      } catch (error) {
        for (const { counter, count } of rows) {
          counter.unwritten += count
          waiting.add(counter)
        }
        throw error
      }
    },
    sweep: (now, stopping) => sweepAttempts(db, windowOf(now) - windowsKept * windowSeconds, stopping),
  }

  function takeUnwritten(counter: Counter): Row {
    const { name, windowStartedAt, unwritten } = counter
    counter.unwritten = 0
    return { key: digest(name), windowStartedAt, count: unwritten, counter }
  }
}

interface Row extends AttemptCount {
  readonly counter: Counter
}

/**
 * A total holds all that was written; what has been counted since comes on top. The other processes of this machine
 * may not have written yet what they have told.
 */
function adopt(rows: readonly Row[], totals: readonly AttemptCount[]): void {
  const byId = new Map(totals.map((total) => [idOf(total), total.count]))
  for (const row of rows) {
    const total = byId.get(idOf(row)) ?? 0
    row.counter.count = Math.max(Math.max(0, total) + row.counter.unwritten, row.counter.local)
  }
}
