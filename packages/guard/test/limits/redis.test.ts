// Limits shared through a real Redis: between processes, by its clock, and what becomes of them when it is gone.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as fc from '../../../../test/property.ts'
import type { Redis } from 'ioredis'
import type { Limit, LimitStore, Taken } from '../../src/limits/limit.ts'
import { createMemoryLimits } from '../../src/limits/memory.ts'
import { createRedisLimits, type RedisClient } from '../../src/limits/redis.ts'
import { readStanding, takeArguments, takeScript } from '../../src/limits/shared-window.ts'
import { takenFrom } from '../../src/limits/sliding-window.ts'
import { type HandClock, handClock } from './hand-clock.ts'
import { type RedisServer, startRedis, withServer } from './redis-server.ts'

const limit: Limit = { name: 'payments', requests: 100, windowSeconds: 3600 }
const small: Limit = { ...limit, requests: 3 }

const countAllowed = (answers: readonly Taken[]): number =>
  answers.filter(({ isAllowed }) => isAllowed).length

const takeTimes = async (limits: LimitStore, times: number, of = limit): Promise<Taken[]> =>
  Promise.all(Array.from({ length: times }, () => limits.take('app', of)))

/** Time stands still for the process, so that no answer of the server is too late on a busy machine. */
const patient = (client: RedisClient) => createRedisLimits(client, handClock())

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

test('trust R14: two processes whose clocks are a day apart share one limit', withServer, async (t) => {
  const redis = await startRedis(t)
  const file = fileURLToPath(new URL('taking-process.ts', import.meta.url))
  const takeIn = async (clockAhead: string) => {
    const args = [file, redis.path, '100', '200', clockAhead]
    return Number((await promisify(execFile)(process.execPath, args)).stdout)
  }
  const [one = 0, other = 0] = await Promise.all([takeIn('0'), takeIn('86400000')])
  assert.ok(one + other >= 100 && one + other <= 110, `${one} + ${other}`)
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
    const limits = createRedisLimits(client, { ...handClock(), prefix: 'mine:' })
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
const steered = takeScript.replace("redis.call('TIME')", '{ ARGV[4] / 1000, 0 }')

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
          const memory = createMemoryLimits(clock)
          for (const seconds of pauses) {
            clock.advance(seconds * 1000)
            const args = [...takeArguments(some), `${clock.elapsed()}`]
            const reply = await client.eval(steered, 1, `run ${run}`, ...args)
            assert.deepEqual(takenFrom(some, readStanding(reply), false), memory.take('app', some))
          }
        },
      ),
      { numRuns: 40 },
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

interface Node {
  readonly limits: LimitStore
  readonly client: Redis
  readonly clock: HandClock
  /** What it said about the server, in its order. */
  readonly said: string[]
  /** Resolves when it has said something more. */
  says(): Promise<void>
}

function startNode(redis: RedisServer, isQueueing = true): Node {
  const clock = handClock()
  const said: string[] = []
  let heard = Promise.withResolvers<void>()
  const say = (text: string) => {
    said.push(text)
    heard.resolve()
    heard = Promise.withResolvers<void>()
  }
  const client = redis.connect(isQueueing)
  const limits = createRedisLimits(client, {
    ...clock,
    onDegraded: (reason) => say(reason instanceof Error ? 'degraded' : 'degraded without a reason'),
    onRecovered: () => say('recovered'),
  })
  return { limits, client, clock, said, says: () => heard.promise }
}

const ready = async (t: TestContext, isQueueing?: boolean) => {
  const redis = await startRedis(t)
  const node = startNode(redis, isQueueing)
  if (node.client.status !== 'ready') await once(node.client, 'ready')
  return { redis, node }
}

test(
  'trust R14: with Redis killed, each node keeps the limit by itself, says so once, and says once when it is back',
  withServer,
  async (t) => {
    const { redis, node } = await ready(t, false)
    const { limits, client, clock, said } = node
    assert.equal(countAllowed(await takeTimes(limits, 60)), 60)
    const closed = once(client, 'close')
    await redis.kill()
    await closed
    assert.equal((await limits.take('first to notice', small)).isShared, false)
    const locally = await takeTimes(limits, 60)
    // What it passed while Redis was there counts: else every loss would hand out the whole limit once more.
    assert.equal(countAllowed(locally), 40)
    assert.ok(locally.every(({ isShared }) => !isShared))
    assert.deepEqual(said, ['degraded'])

    // Not `once` of node:events: the attempts that fail before are errors to it.
    const back = new Promise<void>((resolve) => client.once('ready', resolve))
    await redis.start()
    await back
    const recovered = node.says()
    clock.advance(1_000)
    assert.equal((await limits.take('app', limit)).isShared, false)
    await recovered
    assert.deepEqual(said, ['degraded', 'recovered'])
    // Redis has forgotten all; this node has not.
    assert.deepEqual([countAllowed(await takeTimes(limits, 10)), said.length], [0, 2])
    const { isShared, remaining } = await limits.take('another', limit)
    assert.deepEqual({ isShared, remaining }, { isShared: true, remaining: 99 })
  },
)

test(
  'a Redis that hangs is waited for 50 milliseconds by whoever has asked, and by nobody after that',
  withServer,
  async (t) => {
    const { redis, node } = await ready(t)
    const { limits, clock, said } = node
    await limits.take('app', small)
    redis.pause()
    const waiting = limits.take('app', small)
    assert.ok(waiting instanceof Promise)
    clock.advance(49)
    assert.deepEqual(said, [])
    clock.advance(1)
    const { isShared, remaining } = await waiting
    assert.deepEqual({ isShared, remaining }, { isShared: false, remaining: 1 })
    assert.deepEqual(said, ['degraded'])
    assert.ok(!(limits.take('app', small) instanceof Promise))

    // Still gone after the pause: one question goes out, nobody waits for it, and nobody is told again.
    clock.advance(1_000)
    assert.ok(!(limits.take('app', small) instanceof Promise))
    clock.advance(50)
    await new Promise(setImmediate)
    assert.deepEqual(said, ['degraded'])

    redis.resume()
    const recovered = node.says()
    clock.advance(1_000)
    assert.ok(!(limits.take('app', small) instanceof Promise))
    await recovered
    assert.deepEqual(said, ['degraded', 'recovered'])
  },
)

test(
  'trust R14: two nodes pass the limit twice at the most, through a loss and a Redis that comes back empty',
  withServer,
  async (t) => {
    const redis = await startRedis(t)
    const nodes = [startNode(redis), startNode(redis)]
    await Promise.all(nodes.map(({ client }) => client.ping()))
    const all = async () => (await Promise.all(nodes.map(({ limits }) => takeTimes(limits, 150)))).flat()
    let allowed = countAllowed(await all())
    assert.equal(allowed, 100)
    await redis.kill()
    const noticing = nodes.map(({ limits }) => limits.take('first to notice', small))
    for (const { clock } of nodes) clock.advance(50)
    await Promise.all(noticing)
    allowed += countAllowed(await all())
    assert.equal(allowed, 200)
    await redis.start()
    await Promise.all(nodes.map(({ client }) => client.ping()))
    const recovered = Promise.all(nodes.map((node) => node.says()))
    for (const { clock, limits } of nodes) {
      clock.advance(1_000)
      limits.take('probing', small)
    }
    await recovered
    allowed += countAllowed(await all())
    assert.equal(allowed, 200)
  },
)
