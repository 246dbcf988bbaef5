/** Shared counters of wrong attempts: added up over nodes and restarts, read at the start, swept. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AttemptCount, addAttempts, readAttempts, sweepAttempts } from '../../src/store/throttle.ts'
import { forEachStore } from './each-store.ts'

const attempt = (name: string, windowStartedAt: number, count: number): AttemptCount => ({
  key: Buffer.from(name),
  windowStartedAt,
  count,
})
const plain = (counts: readonly AttemptCount[]) =>
  counts
    .map(({ key, windowStartedAt, count }) => [Buffer.from(key).toString(), windowStartedAt, count] as const)
    .sort()

forEachStore((_, store) => {
  test('issue Throttle: attempts add up by key and window, over batches, and the totals are answered', async (t) => {
    const { db } = await store.open(t)
    const add = (...batch: AttemptCount[]) => db.write((tx) => addAttempts(tx, batch))
    assert.deepEqual(await add(), [])
    assert.deepEqual(plain(await add(attempt('a', 60, 2), attempt('b', 60, 1), attempt('a', 60, 3))), [
      ['a', 60, 5],
      ['b', 60, 1],
    ])
    assert.deepEqual(plain(await add(attempt('a', 60, -1), attempt('a', 120, 7))), [
      ['a', 120, 7],
      ['a', 60, 4],
    ])
    assert.equal(db.changes.lastSeq, (await store.open(t)).db.changes.lastSeq, 'no change is fed')
  })

  test('issue Throttle: two nodes that count at the same time lose nothing, in whatever order', async (t) => {
    const { db, openAgain } = await store.open(t)
    const other = await openAgain()
    const batch = Array.from({ length: 50 }, (_, index) => attempt(`key ${index}`, 60, 1))
    for (let round = 0; round < 20; round += 1) {
      await Promise.all([
        db.write((tx) => addAttempts(tx, batch)),
        other.write((tx) => addAttempts(tx, batch.toReversed())),
      ])
    }
    const counts = await readAttempts(other, 0)
    assert.equal(counts.length, 50)
    for (const { count } of counts) assert.equal(count, 40)
  })

  test('issue Throttle: a node that starts reads the windows that still count, and old ones are swept', async (t) => {
    const { db, openAgain } = await store.open(t)
    const old = Array.from({ length: 1100 }, (_, index) => attempt(`old ${index}`, 60, 1))
    await db.write((tx) => addAttempts(tx, [...old, attempt('a', 120, 4), attempt('a', 180, 5)]))
    const again = await openAgain()
    assert.deepEqual(plain(await readAttempts(again, 120)), [
      ['a', 120, 4],
      ['a', 180, 5],
    ])
    assert.equal(await sweepAttempts(again, 120), 1100)
    assert.deepEqual(plain(await readAttempts(again, 0)), [
      ['a', 120, 4],
      ['a', 180, 5],
    ])
  })
})
