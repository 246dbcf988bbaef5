/**
 * SQLite's write lock for a thread that may block, beside others that write one transaction after the other: between two
 * of theirs the lock is free for a moment that SQLite's own busy handler, which soon looks ten times a second, misses for
 * a second and longer.
 */

import type { DatabaseSync } from 'node:sqlite'
import { primaryCode, resultCodes } from './sqlite-driver.ts'

const lookMilliseconds = 0.5
const asleep = new Int32Array(new SharedArrayBuffer(4))

/** Throws SQLite's error once nobody has let go of the lock in time. The connection waits for no lock by itself any more. */
export function createPatientBegin(connection: DatabaseSync, lockWaitMilliseconds: number): () => void {
  connection.exec('pragma busy_timeout = 0')
  const begin = connection.prepare('begin immediate')
  return () => {
    const lastLookAt = performance.now() + lockWaitMilliseconds
    for (;;) {
      try {
        begin.run()
        return
      } catch (error) {
        if (primaryCode(error) !== resultCodes.busy || performance.now() >= lastLookAt) throw error
      }
      Atomics.wait(asleep, 0, 0, lookMilliseconds)
    }
  }
}

const commitsBetweenLooks = 16
/** 8 MB: SQLite's own checkpoints, which wait for nobody, begin at half of it. */
const longFrames = 2_000
const readersWaitMilliseconds = 100

/**
 * To be called after each commit. The write-ahead log begins anew only where a transaction finds all of it in the file
 * and nobody reading from it, which never happens to two that write in turns: it would grow for as long as they do.
 */
export function createLogShortener(connection: DatabaseSync): () => void {
  const passive = connection.prepare('pragma wal_checkpoint(passive)')
  const restart = connection.prepare('pragma wal_checkpoint(restart)')
  let commits = 0
  return () => {
    commits += 1
    if (commits % commitsBetweenLooks !== 0 || Number(passive.get()?.log) < longFrames) return
    // Little is left to write, and whoever reads does so for one turn of an event loop.
    connection.exec(`pragma busy_timeout = ${readersWaitMilliseconds}`)
    restart.get()
    connection.exec('pragma busy_timeout = 0')
  }
}
