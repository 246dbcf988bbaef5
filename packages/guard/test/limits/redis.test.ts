// Limits shared through a real Redis: between processes, and by its clock.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Redis } from 'ioredis'
import * as fc from '../../../../test/property.ts'
import { createMemoryLimits } from '../../src/limits/memory.ts'
import { createRedisLimits, type RedisClient } from '../../src/limits/redis.ts'
import { readAnswer, readState, takeArguments, takeScript } from '../../src/limits/shared-window.ts'
import { partOf, takenFrom } from '../../src/limits/sliding-window.ts'
import { handClock } from './hand-clock.ts'
import { type RedisServer, startRedis, withServer } from './redis-server.ts'
import { countAllowed, limit, small, takeTimes } from './taking.ts'

/** Time stands still for the process, so that no answer of the server is too late on a busy machine. */
const patient = (client: RedisClient) => createRedisLimits(client, handClock().time)

test(
  'trust R14: two nodes that ask 200 times at once each pass the limit once between them',
  withServer,
  async (t) => {
    const redis = await startRedis(t)
    const nodes = [patient(redis.connect()), patient(redis.connect())]
    const answers = (await Promise.all(nodes.map((node) => takeTimes(node, 200)))).flat()
    assert.equal(countAllowed(answers), 100)
    assert.ok(answers.every(({ isShared }) => isShared))
  },
)

const program = fileURLToPath(new URL('taking-process.ts', import.meta.url))

/** A process that takes so often at once from each bucket that it is told, and answers how often it was allowed. */
function startTaking(t: TestContext, redis: RedisServer, times: number, clockAhead = 0) {
  const args = [program, redis.path, `${limit.requests}`, `${times}`, `${clockAhead}`]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill())
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return async (bucket: string): Promise<number> => {
    child.stdin.write(`${bucket}\n`)
    return Number((await lines.next()).value)
  }
}

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, number) => sum + number, 0)

test(
  'issue 6, trust R14: three busy processes with 300 requests at once each pass the limit and a tenth at the most, time and again',
  withServer,
  async (t) => {
    const redis = await startRedis(t)
    const processes = [1, 2, 3].map(() => startTaking(t, redis, 300))
    for (const round of ['one', 'two', 'three', 'four', 'five']) {
      const allowed = sumOf(await Promise.all(processes.map((take) => take(round))))
      assert.ok(allowed >= 100 && allowed <= 110, `${allowed} passed in round ${round}`)
    }
  },
)

test('trust R14: two processes whose clocks are a day apart share one limit', withServer, async (t) => {
  const redis = await startRedis(t)
  const processes = [0, 86_400_000].map((ahead) => startTaking(t, redis, 200, ahead))
  const allowed = sumOf(await Promise.all(processes.map((take) => take('app'))))
  assert.ok(allowed >= 100 && allowed <= 110, `${allowed}`)
})

test('trust R14: what has been taken survives a restart of the process', withServer, async (t) => {
  const redis = await startRedis(t)
  await takeTimes(patient(redis.connect()), 60)
  const answers = await takeTimes(patient(redis.connect()), 60)
  assert.equal(countAllowed(answers), 40)
})

test(
  '003-20: two apps and two limits are apart in Redis too, and what is empty expires',
  withServer,
  async (t) => {
    const redis = await startRedis(t)
    const client = redis.connect()
    const limits = createRedisLimits(client, { ...handClock().time, prefix: 'mine:' })
    assert.equal((await limits.take('app', small)).remaining, 2)
    assert.equal((await limits.take('app', small)).remaining, 1)
    assert.equal((await limits.take('other', small)).remaining, 2)
    assert.equal((await limits.take('app', { ...small, name: 'all' })).remaining, 2)
    const keys = await client.keys('*')
    assert.equal(keys.length, 3)
    for (const key of keys) {
      assert.ok(key.startsWith('mine:'))
      const left = await client.pttl(key)
      assert.ok(left > 0 && left <= 3_600_000, `${left}`)
    }
  },
)

/** The script with a clock that the test moves: the last argument, in milliseconds. */
const steered = takeScript.replace("redis.call('TIME')", '{ ARGV[5] / 1000, 0 }')

test(
  'trust R14: the script answers as the bucket in memory does, request by request',
  withServer,
  async (t) => {
    assert.notEqual(steered, takeScript)
    const client = (await startRedis(t)).connect()
    const pause = fc.oneof(fc.nat({ max: 90 }), fc.nat({ max: 9 }), fc.integer({ min: -20, max: 700 }))
    let run = 0
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 70 }),
        fc.array(pause, { minLength: 1, maxLength: 200 }),
        async (requests, pauses) => {
          run += 1
          const clock = handClock()
          const some = { ...limit, requests, windowSeconds: 600 }
          const memory = createMemoryLimits({ elapsed: clock.elapsed })
          for (const seconds of pauses) {
            clock.advance(seconds * 1000)
            const args = [...takeArguments(some), `${clock.elapsed()}`]
            const reply = await client.eval(steered, 1, `run ${run}`, ...args)
            assert.deepEqual(takenFrom(some, readAnswer(reply).standing, false), memory.take('app', some))
          }
        },
      ),
      { numRuns: 40 },
    )
  },
)

test(
  'trust R14: what a process has passed alone joins what the others have, as if it had asked',
  withServer,
  async (t) => {
    const client = (await startRedis(t)).connect()
    const told = fc.tuple(fc.nat({ max: 700_000 }), fc.integer({ min: 1, max: 40 }))
    let run = 0
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 70 }),
        fc.nat({ max: 30 }),
        fc.array(told, { maxLength: 40 }),
        async (requests, before, alone) => {
          run += 1
          const some = { ...limit, requests, windowSeconds: 600 }
          const take = async (args: string[]) =>
            readAnswer(await client.eval(steered, 1, `told ${run}`, ...args, '1000000'))
          for (let index = 0; index < before; index++) await take(takeArguments(some))
          const inWindow = sumOf(alone.filter(([age]) => age < 600_000).map(([, count]) => count))
          const used = Math.min(before, requests) + inWindow
          const { standing, state } = await take(takeArguments(some, alone))
          assert.equal(standing.isAllowed, used < requests)
          assert.ok(standing.used >= Math.min(used + 1, requests))
          assert.ok(standing.used < requests + partOf(some))
          assert.ok(readState(state).ages.every((age, index, all) => age <= (all[index - 1] ?? age)))
          assert.ok(readState(state).ages.length <= 33)
        },
      ),
      { numRuns: 60 },
    )
  },
)

test('a server that has forgotten the script is told it again', withServer, async (t) => {
  const client = (await startRedis(t)).connect()
  const limits = patient(client)
  await limits.take('app', small)
  await client.script('FLUSH')
  const { isShared, remaining } = await limits.take('app', small)
  assert.deepEqual({ isShared, remaining }, { isShared: true, remaining: 1 })
})

/** The other clients' ways of asking, on the same connection. */
const shapes: Readonly<Record<string, (client: Redis) => RedisClient>> = {
  'node-redis': (client) => ({
    evalSha: (digest, { keys, arguments: args }) => client.evalsha(digest, keys.length, ...keys, ...args),
    eval: (source: string, { keys, arguments: args }: { keys: string[]; arguments: string[] }) =>
      client.eval(source, keys.length, ...keys, ...args),
  }),
  'a sender of words': (client) => ({
    sendCommand: ([name = '', ...args]) => client.call(name, ...args),
  }),
  'one that answers integers as text': (client) => ({
    sendCommand: async ([name = '', ...args]) => ((await client.call(name, ...args)) as number[]).map(String),
  }),
}

for (const [name, shape] of Object.entries(shapes)) {
  test(`limits are shared through a client of the shape of ${name}`, withServer, async (t) => {
    const limits = patient(shape((await startRedis(t)).connect()))
    const answers = await takeTimes(limits, 5, small)
    assert.deepEqual(
      answers.map(({ isAllowed, isShared }) => isAllowed && isShared),
      [true, true, true, false, false],
    )
  })
}
