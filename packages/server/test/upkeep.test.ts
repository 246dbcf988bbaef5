/** Chores: never twice at once, none after the stop, and a failure ends nothing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { StoreUnavailable } from '../src/store/database.ts'
import { readAttempts } from '../src/store/throttle.ts'
import { startUpkeep } from '../src/upkeep.ts'
import { oneStore, startTestServer } from './harness.ts'
import { app, blueprint, tenant } from './oauth/sample.ts'

test('a chore waits for its last run, and the stop waits for a run that is under way', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const gate = Promise.withResolvers<void>()
  let runs = 0
  const work = () => {
    runs += 1
    return gate.promise
  }
  const upkeep = startUpkeep([{ everyMilliseconds: 100, work }], (error) => assert.fail(String(error)))
  t.mock.timers.tick(100)
  t.mock.timers.tick(300)
  assert.equal(runs, 1)
  let hasStopped = false
  const stopping = upkeep.stop().then(() => {
    hasStopped = true
  })
  await nextTurn()
  assert.equal(hasStopped, false)
  gate.resolve()
  await stopping
  t.mock.timers.tick(1000)
  assert.equal(runs, 1)
})

test('a chore that could go on for long is told of the stop, and none is told before', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const told: boolean[] = []
  const work = async (stopping?: AbortSignal) => {
    while (!stopping?.aborted) {
      told.push(stopping?.aborted ?? true)
      await nextTurn()
    }
  }
  const upkeep = startUpkeep([{ everyMilliseconds: 100, work }], (error) => assert.fail(String(error)))
  t.mock.timers.tick(100)
  await nextTurn()
  await upkeep.stop()
  assert.ok(told.length > 0 && !told.includes(true), String(told))
})

test('a chore that fails comes again; only a database that is gone is no news', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const failures: unknown[] = []
  const errors = [new StoreUnavailable('gone'), new Error('unexpected'), null]
  const seen = errors.length
  const work = async () => {
    const error = errors.shift()
    if (error) throw error
  }
  const upkeep = startUpkeep([{ everyMilliseconds: 100, work }], (error) => failures.push(error))
  for (let number = 0; number < seen; number += 1) {
    t.mock.timers.tick(100)
    await nextTurn()
  }
  await upkeep.stop()
  assert.equal(errors.length, 0)
  assert.deepEqual(failures.map(String), ['Error: unexpected'])
})

test('issue Throttle: the server itself writes what it has counted, and sweeps counters and uses that are over', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const server = await startTestServer(t, oneStore, blueprint(tenant('acme', [app('sync')])))
  const { db, clock } = server
  const expiresAt = clock() - 2 * 3600
  await db.insertUses([{ digest: Buffer.alloc(32, 1), expiresAt }])
  const rows = async () => ({
    counters: (await readAttempts(db, 0)).length,
    uses: (await db.kysely.selectFrom('used_once').selectAll().execute()).length,
  })
  const until = async (expected: Awaited<ReturnType<typeof rows>>) => {
    for (let turn = 0; turn < 1000; turn += 1) {
      if (isDeepStrictEqual(await rows(), expected)) return
      await nextTurn()
    }
    assert.deepEqual(await rows(), expected)
  }
  await server.token('acme', { basic: ['sync', 'wrong'] })
  await until({ counters: 0, uses: 1 })
  t.mock.timers.tick(2_000)
  await until({ counters: 2, uses: 1 })
  clock.advance(240)
  t.mock.timers.tick(58_000)
  await until({ counters: 0, uses: 0 })
})
