/**
 * Hands the chain on to one sink: in order, each record at least once, from where the sink stands in the database. A sink
 * that is down is asked again later and later, and holds up nobody but itself.
 */

import {
  type AuditHead,
  type AuditRecord,
  chainStart,
  listAuditRecords,
  readHeadAt,
} from '../store/audit-records.ts'
import { claimSink, countWaiting, moveSink, releaseSink } from '../store/audit-sinks.ts'
import type { Database } from '../store/database.ts'

export interface AuditSink {
  /** Under which its place in the chain is kept. */
  readonly name: string
  /** Resolves when it has them all; whoever gets a record twice knows it by its number. */
  send(records: readonly AuditRecord[], signal: AbortSignal): Promise<void>
}

export interface SinkEvents {
  onWaiting(count: number): void
  onFailure(reason: string): void
  onRecovery(): void
  /** The chain no longer holds what was handed on, so that all of it is handed on again. */
  onCut(head: AuditHead): void
}

export interface FollowDeps extends SinkEvents {
  readonly db: Database
  readonly sink: AuditSink
  /** Epoch seconds. */
  readonly clock: () => number
  /** Names this process among others. */
  readonly leader: string
}

export interface SinkFollower {
  /** Hands on all there is, or nothing while the sink is left alone. */
  work(): Promise<void>
  /** Ends what is under way. */
  close(): void
}

const recordsPerCall = 100
const bytesPerCall = 500_000
/** Longer than a call may take. */
const claimSeconds = 30
const longestPauseSeconds = 300

export function followChain(deps: FollowDeps): SinkFollower {
  const { db, sink, clock } = deps
  const closing = new AbortController()
  let failures = 0
  let nextAt = 0
  const claim = () => ({ sink: sink.name, leader: deps.leader, until: clock() + claimSeconds })
  const move = async (from: AuditHead, to: AuditHead) =>
    (await db.write((tx) => moveSink(tx, claim(), from, to))) ? to : null

  async function takeUp(): Promise<AuditHead | null> {
    const place = await db.write((tx) => claimSink(tx, claim()))
    if (place === null || (await isInChain(db, place))) return place
    deps.onCut(place)
    return move(place, { number: 0, hash: chainStart })
  }

  /** False once the sink has failed. */
  async function send(records: readonly AuditRecord[]): Promise<boolean> {
    try {
      await sink.send(records, closing.signal)
    } catch (error) {
      if (!closing.signal.aborted) fail(error)
      return false
    }
    if (failures > 0) deps.onRecovery()
    failures = 0
    return true
  }

  function fail(error: unknown): void {
    failures += 1
    nextAt = clock() + Math.min(2 ** failures, longestPauseSeconds)
    deps.onFailure(error instanceof Error ? error.message : String(error))
  }

  async function handOn(): Promise<void> {
    let place = await takeUp()
    if (place === null) return
    while (place !== null && !closing.signal.aborted) {
      const records = oneCall(await listAuditRecords(db, { after: place.number, limit: recordsPerCall }))
      const last = records.at(-1)
      if (last === undefined || !(await send(records))) break
      place = await move(place, last)
    }
    await db.write((tx) => releaseSink(tx, sink.name, deps.leader))
  }

  return {
    async work() {
      if (closing.signal.aborted) return
      const waiting = await countWaiting(db, sink.name)
      deps.onWaiting(Math.max(waiting, 0))
      if (waiting === 0 || clock() < nextAt) return
      await handOn()
      deps.onWaiting(Math.max(await countWaiting(db, sink.name), 0))
    },
    close: () => closing.abort(),
  }
}

async function isInChain(db: Database, place: AuditHead): Promise<boolean> {
  const found = await readHeadAt(db, place.number)
  return found !== null && Buffer.from(found.hash).equals(place.hash)
}

/** At least one, and no more than fits a call. */
function oneCall(records: readonly AuditRecord[]): readonly AuditRecord[] {
  let bytes = 0
  const end = records.findIndex(({ before, after }, index) => {
    bytes += (before?.length ?? 0) + (after?.length ?? 0)
    return index > 0 && bytes > bytesPerCall
  })
  return end < 0 ? records : records.slice(0, end)
}
