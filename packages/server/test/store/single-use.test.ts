/** Once means once, over both engines: races, two nodes, restarts, kill -9, and a database that is gone. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { type Database, StoreUnavailable, type Use } from '../../src/store/database.ts'
import { createSingleUse } from '../../src/store/single-use.ts'
import { forEachStore } from './each-store.ts'
import { numberedUse } from './numbered-use.ts'

const winners = (answers: readonly boolean[]) => answers.filter((isFirst) => isFirst).length
const countRows = async (db: Database) =>
  (await db.kysely.selectFrom('used_once').selectAll().execute()).length

forEachStore((engine, store) => {
  test('R3: of 50 parallel uses of one digest one is the first, 200 times', async (t) => {
    const { db } = await store.open(t)
    const { use } = createSingleUse(db)
    for (let round = 0; round < 200; round += 1) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => use(numberedUse(round))))
      assert.equal(winners(answers), 1)
      assert.equal(answers[0], true, 'the first that asked')
    }
    assert.equal(await countRows(db), 200)
  })

  test('R3: of 50 parallel uses on two nodes one is the first, 200 times', async (t) => {
    const { db, openAgain } = await store.open(t)
    const nodes = [createSingleUse(db), createSingleUse(await openAgain())]
    for (let round = 0; round < 200; round += 1) {
      const answers = await Promise.all(
        Array.from({ length: 25 }, () => nodes.map(({ use }) => use(numberedUse(round)))).flat(),
      )
      assert.equal(winners(answers), 1)
    }
  })

  test('R3: two nodes that use the same digests in opposite orders never fail one another', async (t) => {
    const { db, openAgain } = await store.open(t)
    const [one, other] = [createSingleUse(db), createSingleUse(await openAgain())]
    for (let round = 0; round < 100; round += 1) {
      const uses = Array.from({ length: 40 }, (_, index) => numberedUse(round * 40 + index))
      const useAll = ({ use }: typeof one, list: readonly Use[]) => Promise.all(list.map(use))
      const [there, back] = await Promise.all([useAll(one, uses), useAll(other, uses.toReversed())])
      assert.equal(winners(there) + winners(back), 40)
      assert.deepEqual(
        there,
        back.toReversed().map((isFirst) => !isFirst),
      )
    }
  })

  test('trust F1: what was used stays used when the store is opened again', async (t) => {
    const { db, openAgain } = await store.open(t)
    const { use } = createSingleUse(db)
    assert.equal(await use(numberedUse(1)), true)
    await db.close()
    const again = createSingleUse(await openAgain())
    assert.equal(await again.use(numberedUse(1)), false)
    assert.equal(await again.use(numberedUse(2)), true)
  })

  test('R3: another digest is another use, whatever shares its batch or its second', async (t) => {
    const { db } = await store.open(t)
    const { use } = createSingleUse(db)
    const [a, b] = [numberedUse(1), numberedUse(2)]
    assert.deepEqual(await Promise.all([use(a), use(b), use(a), use(b)]), [true, true, false, false])
    // Not a view of a shared pool, nor the neighbouring bytes of one.
    const pool = Buffer.concat([a.digest, b.digest, numberedUse(3).digest])
    const third = { digest: pool.subarray(64, 96), expiresAt: a.expiresAt }
    assert.deepEqual(await Promise.all([use({ ...a, digest: pool.subarray(0, 32) }), use(third)]), [
      false,
      true,
    ])
    assert.equal(await use(numberedUse(3)), false)
  })

  test('R3: more uses than one transaction takes are all answered', async (t) => {
    const { db } = await store.open(t)
    const { use } = createSingleUse(db)
    const answers = await Promise.all(
      Array.from({ length: 1800 }, (_, index) => use(numberedUse(index % 1200))),
    )
    assert.deepEqual(
      answers,
      answers.map((_, index) => index < 1200),
    )
  })

  test('R12: who would wait behind thousands is told to come again, and the others are served', async (t) => {
    const { db } = await store.open(t)
    const { use } = createSingleUse(db)
    const flood = await Promise.allSettled(
      Array.from({ length: 5010 }, (_, index) => use(numberedUse(index))),
    )
    const refused = flood.filter((one) => one.status === 'rejected')
    assert.equal(refused.length, 10)
    for (const { reason } of refused) assert.ok(reason instanceof StoreUnavailable)
    assert.equal(await use(numberedUse(5005)), true, 'a refused use has not been used')
  })

  test('R3: an entry that no row can hold is refused alone', async (t) => {
    const { db } = await store.open(t)
    const { use } = createSingleUse(db)
    const { digest, expiresAt } = numberedUse(1)
    const [good, ...bad] = await Promise.allSettled([
      use({ digest, expiresAt }),
      use({ digest, expiresAt: Number.NaN }),
      use({ digest, expiresAt: expiresAt + 0.5 }),
      use({ digest, expiresAt: 1e300 }),
      use({ digest: digest.subarray(1), expiresAt }),
    ])
    assert.deepEqual(good, { status: 'fulfilled', value: true })
    for (const one of bad) assert.equal(one.status === 'rejected' && one.reason instanceof TypeError, true)
  })

  test('R17: a clock set back by an hour finds what was used; the rest is swept in bites', async (t) => {
    const { db, clock } = await store.open(t)
    const { use, sweep } = createSingleUse(db)
    const now = clock()
    const old = (index: number) => numberedUse(index, now - 4000)
    const recent = numberedUse(1, now - 3600 - 60)
    await Promise.all(Array.from({ length: 1201 }, (_, index) => use(old(index))))
    assert.equal(await use(recent), true)
    assert.equal(await sweep(now, AbortSignal.abort()), 0, 'the server stops: another time')
    assert.equal(await sweep(now), 1201)
    assert.equal(await sweep(now), 0)
    assert.equal(await use(recent), false)
    assert.equal(await countRows(db), 1)
  })

  if (engine === 'sqlite') {
    test('trust R1: what a killed process was told to be the first of stays used', async (t) => {
      const { location, open } = await store.prepare(t)
      const answered = await killedJournal(location, 200)
      const { use } = createSingleUse(await open())
      const again = await Promise.all(answered.map((number) => use(numberedUse(number))))
      assert.equal(winners(again), 0)
      assert.ok(answered.length >= 200)
    })

    test('trust R4: a file locked for too long rejects with StoreUnavailable, and heals', async (t) => {
      const { location, open } = await store.prepare(t)
      const db = await open()
      const { use } = createSingleUse(db)
      assert.equal(await use(numberedUse(0)), true)
      const blocker = new DatabaseSync(location)
      blocker.exec('begin immediate')
      const first = use(numberedUse(1))
      // While the first waits for the lock this one waits for the first.
      await new Promise((resolve) => setImmediate(resolve))
      const second = use(numberedUse(2))
      const refusals = Promise.all([
        assert.rejects(first, StoreUnavailable),
        assert.rejects(second, StoreUnavailable, 'it does not wait as long again'),
      ])
      await first.catch(() => {})
      blocker.exec('rollback')
      blocker.close()
      await refusals
      assert.equal(await use(numberedUse(1)), true)
    })

    test('R12: whoever writes while thousands of old uses are swept finds the lock free more often than not', async (t) => {
      const { location, open, clock } = await store.prepare(t)
      const { use, sweep } = createSingleUse(await open())
      const old = clock() - 4000
      for (let first = 0; first < 20_000; first += 2000)
        await Promise.all(Array.from({ length: 2000 }, (_, index) => use(numberedUse(first + index, old))))
      const thread = new Worker(new URL('./looks-at-lock.ts', import.meta.url), { workerData: location })
      await once(thread, 'message')
      assert.equal(await sweep(clock()), 20_000)
      thread.postMessage('stop')
      const [{ free, locked }] = await once(thread, 'message')
      assert.ok(free > locked, `free ${free} times, locked ${locked} times`)
    })

    test('R12: beside another process that writes one transaction after the other, uses are answered', async (t) => {
      const { location: file, open } = await store.prepare(t)
      const { use } = createSingleUse(await open())
      const isOver = new Int32Array(new SharedArrayBuffer(4))
      const thread = new Worker(new URL('./keeps-lock.ts', import.meta.url), { workerData: { file, isOver } })
      await once(thread, 'message')
      for (let number = 0; number < 10; number += 1) assert.equal(await use(numberedUse(number)), true)
      Atomics.store(isOver, 0, 1)
      await once(thread, 'exit')
    })

    test('R3: after the store is closed nobody is the first of anything', async (t) => {
      const { db } = await store.open(t)
      const { use } = createSingleUse(db)
      assert.equal(await use(numberedUse(1)), true)
      await db.close()
      await assert.rejects(use(numberedUse(2)), StoreUnavailable)
    })
  }
})

/** Runs the journal until it has written `lines`, kills it, and answers everything that it had written by then. */
async function killedJournal(file: string, lines: number): Promise<number[]> {
  const program = fileURLToPath(new URL('./use-journal.ts', import.meta.url))
  const child = spawn(process.execPath, [program, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const answered: number[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    answered.push(Number(line))
    if (answered.length === lines) child.kill('SIGKILL')
  }
  assert.deepEqual(await ended, [null, 'SIGKILL'])
  return answered
}
