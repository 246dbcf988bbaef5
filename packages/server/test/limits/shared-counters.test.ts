// trust.md R14: counters of wrong attempts survive a restart, are shared by nodes, and tell nobody anything.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSealer } from '../../src/keys/sealing.ts'
import { createSecretHasher } from '../../src/keys/secret-hasher.ts'
import type { AttemptRelay, Tally } from '../../src/limits/attempt-relay.ts'
import { createSharedCounters } from '../../src/limits/shared-counters.ts'
import { type Attempt, createWrongAttempts } from '../../src/limits/wrong-attempts.ts'
import { type Database, StoreUnavailable } from '../../src/store/database.ts'
import { readAttempts } from '../../src/store/throttle.ts'
import { forEachStore } from '../store/each-store.ts'

const start = 1_800_000_000
const at = (now = start, more: Partial<Attempt> = {}): Attempt => ({
  ...{ tenantId: 'acme', clientId: 'client', address: '192.0.2.1', now },
  ...more,
})

async function startNode(db: Database, relay?: AttemptRelay) {
  const sealer = createSealer([Buffer.alloc(32, 7)], (bytes) => Buffer.alloc(bytes, 9))
  const counters = createSharedCounters(
    db,
    await createSecretHasher(db, sealer, (bytes) => Buffer.alloc(bytes, 5)),
  )
  const attempts = createWrongAttempts(counters, relay)
  /** How many of `tries` wrong secrets are not refused. */
  const guess = (tries: number, attempt = at()) => {
    let accepted = 0
    for (let number = 0; number < tries; number += 1)
      if (attempts.count(attempt).waitSeconds === 0) accepted += 1
    return accepted
  }
  return { counters, attempts, guess }
}

forEachStore((_engine, store) => {
  test('trust R14: what was counted before a restart counts after it, exactly', async (t) => {
    const { db, openAgain } = await store.open(t)
    const before = await startNode(db)
    assert.equal(before.guess(7), 7)
    assert.equal(before.guess(200, at(start, { address: '192.0.2.2' })), 10)
    for (let number = 0; number < 100; number += 1)
      before.guess(1, at(start, { clientId: `name-${number}`, address: '192.0.2.3' }))
    await before.counters.write(start)

    const after = await startNode(await openAgain())
    await after.counters.restore(start + 1)
    assert.equal(after.attempts.waitSeconds(at()), 0)
    assert.equal(after.guess(200), 3)
    assert.ok(after.attempts.waitSeconds(at(start, { address: '192.0.2.2' })) > 0)
    assert.equal(after.guess(50, at(start, { address: '192.0.2.2' })), 0)
    assert.equal(after.guess(50, at(start, { clientId: 'new', address: '192.0.2.3' })), 0)
    assert.equal(after.guess(200, at(start, { address: '192.0.2.4' })), 10)
    // And a minute later nobody remembers.
    await after.counters.write(start + 60)
    assert.equal(after.counters.hasRecollection, false)
    assert.equal(after.guess(200, at(start + 60)), 10)
  })

  test('trust F9: what another process of the machine has told counts before it is written, and once when it is', async (t) => {
    const { db, openAgain } = await store.open(t)
    const first = await startNode(db)
    let hear: (tallies: readonly Tally[], isOwn: boolean) => void = () => {}
    const second = await startNode(await openAgain(), {
      processes: 1,
      send: () => {},
      follow(listener) {
        hear = listener
      },
    })
    for (const [address, isWritten] of [
      ['192.0.2.1', false],
      ['192.0.2.2', true],
    ] as const) {
      const attempt = at(start, { address })
      assert.equal(first.guess(5, attempt), 5)
      hear([{ of: 'client', name: `acme ${address} client`, windowStartedAt: start, change: 5 }], false)
      assert.equal(second.guess(1, attempt), 1)
      if (isWritten) await first.counters.write(start)
      await second.counters.write(start)
      assert.equal(second.guess(10, attempt), 4, address)
    }
  })

  test('trust R14: two nodes that are asked in turn take no more than two limits, and one when there is time to talk', async (t) => {
    const { db, openAgain } = await store.open(t)
    const nodes = [await startNode(db), await startNode(await openAgain())]
    let accepted = 0
    for (const { guess } of nodes) accepted += guess(100)
    assert.equal(accepted, 20)
    accepted = 0
    for (let round = 0; round < 12; round += 1) {
      for (const { guess, counters } of nodes) {
        accepted += guess(1, at(start, { clientId: 'slow', address: '192.0.2.9' }))
        await counters.write(start)
      }
    }
    assert.ok(accepted >= 10 && accepted <= 11, String(accepted))
  })

  test('issue Throttle: an attempt that is forgiven is forgiven on every node', async (t) => {
    const { db, openAgain } = await store.open(t)
    const [one, other] = [await startNode(db), await startNode(await openAgain())]
    const counted = Array.from({ length: 10 }, () => one.attempts.count(at()))
    await one.counters.write(start)
    for (const attempt of counted) attempt.forgive()
    await one.counters.write(start)
    await other.counters.restore(start)
    assert.equal(other.guess(200), 10)
  })

  test('issue Throttle: what is counted while a write is under way is neither lost nor counted twice', async (t) => {
    const { db } = await store.open(t)
    const { counters, guess, attempts } = await startNode(db)
    guess(3)
    const writing = counters.write(start)
    guess(3)
    await writing
    assert.equal(guess(1, at()), 1)
    await counters.write(start)
    assert.deepEqual(
      (await readAttempts(db, start)).map(({ count }) => count),
      [7, 7],
    )
    guess(2)
    const last = counters.write(start)
    guess(1)
    await last
    // Ten, of which the database has heard nine.
    assert.ok(attempts.waitSeconds(at()) > 0)
  })

  test('trust 44: with the database gone each node counts on, and tells what it has counted when it is back', async (t) => {
    const { db, openAgain } = await store.open(t)
    let isGone = false
    const flaky: Database = {
      ...db,
      kysely: db.kysely,
      write: (work) => (isGone ? Promise.reject(new StoreUnavailable('gone')) : db.write(work)),
    }
    const node = await startNode(flaky)
    isGone = true
    assert.equal(node.guess(7), 7)
    await assert.rejects(node.counters.write(start), StoreUnavailable)
    assert.equal(node.guess(200), 3)
    await assert.rejects(node.counters.write(start), StoreUnavailable)
    assert.equal(node.counters.isWaiting, true)
    isGone = false
    await node.counters.write(start)
    assert.equal(node.counters.isWaiting, false)
    const other = await startNode(await openAgain())
    await other.counters.restore(start)
    assert.equal(other.guess(200), 0)
  })

  test('issue Throttle: the table holds digests under a key, the same on each node, and neither name nor address', async (t) => {
    const { db } = await store.open(t)
    const { guess, counters } = await startNode(db)
    guess(1, at(start, { clientId: 'visible-client', address: '203.0.113.99' }))
    await counters.write(start)
    const rows = await readAttempts(db, 0)
    assert.equal(rows.length, 2)
    for (const { key } of rows) {
      assert.equal(key.length, 16)
      const text = Buffer.from(key).toString('latin1')
      for (const name of ['visible', '203.0', 'acme']) assert.equal(text.includes(name), false)
    }
    // Whoever knows the names but not the pepper finds no row.
    const sealer = createSealer([Buffer.alloc(32, 7)], (bytes) => Buffer.alloc(bytes, 9))
    const stranger = createSharedCounters(db, {
      ...(await createSecretHasher(db, sealer, (bytes) => Buffer.alloc(bytes, 5))),
      compute: () => Buffer.alloc(32, 1),
    })
    await stranger.restore(start)
    assert.equal(stranger.recall('acme 203.0.113.99', start), 0)
    assert.equal(stranger.recall('acme 203.0.113.99 visible-client', start), 0)
  })

  test('trust R12: a flood leaves a bounded number of rows and nothing after its minute', async (t) => {
    const { db } = await store.open(t)
    const { attempts, counters } = await startNode(db)
    for (let number = 0; number < 40_000; number += 1) {
      const address = `2001:db8:${(number >> 8).toString(16)}:${(number & 255).toString(16)}::1`
      attempts.count(at(start, { clientId: `name-${number}`, address }))
    }
    let writes = 0
    for (; counters.isWaiting; writes += 1) await counters.write(start)
    assert.equal(writes, 20)
    assert.equal((await readAttempts(db, 0)).length, 10_000)
    assert.equal(await counters.sweep(start + 120), 0, 'nodes with other clocks may still add')
    assert.equal(await counters.sweep(start + 180), 10_000)

    attempts.count(at(start))
    await counters.write(start + 60)
    assert.equal(counters.isWaiting, false)
    assert.equal((await readAttempts(db, 0)).length, 0, 'an ended minute is not written any more')
  })
})
