// What becomes of limits when their Redis is killed, hangs, or comes back: a real one.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import type { Redis } from 'ioredis'
import type { LimitStore } from '../../src/limits/limit.ts'
import { createRedisLimits } from '../../src/limits/redis.ts'
import { type HandClock, handClock } from './hand-clock.ts'
import { type RedisServer, startRedis, withServer } from './redis-server.ts'
import { countAllowed, limit, small, takeTimes } from './taking.ts'

interface Node {
  readonly limits: LimitStore
  readonly client: Redis
  readonly clock: HandClock
  /** What it said about the server, in its order. */
  readonly said: string[]
  /** Resolves when it has said something more. */
  says(): Promise<void>
  /** Resolves to whether it is shared, when it has waited for as long as it would. */
  takeInVain(key: string): Promise<boolean>
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
    ...clock.time,
    onDegraded: (reason) => say(reason instanceof Error ? reason.message : 'no reason'),
    onRecovered: () => say('recovered'),
  })
  return {
    ...{ limits, client, clock, said, says: () => heard.promise },
    async takeInVain(key) {
      const waiting = limits.take(key, small)
      clock.advance(250)
      return (await waiting).isShared
    },
  }
}

const ready = async (t: TestContext, isQueueing?: boolean) => {
  const redis = await startRedis(t)
  const node = startNode(redis, isQueueing)
  if (node.client.status !== 'ready') await once(node.client, 'ready')
  return { redis, node }
}

/** What is under way without a server has come to its end. */
const settled = () => new Promise<void>((resolve) => setImmediate(() => resolve()))

/** Resolves when the client has tried to connect again, in vain. */
const failsToConnect = (client: Redis) => new Promise<unknown>((resolve) => client.once('error', resolve))

for (const isQueueing of [true, false]) {
  const queue = isQueueing ? 'with' : 'without'
  test(
    `trust R14: with Redis killed, each node keeps the limit by itself, says once why, and says once when it is back (a client ${queue} a queue)`,
    withServer,
    async (t) => {
      const { redis, node } = await ready(t, isQueueing)
      const { limits, client, clock, said } = node
      assert.equal(countAllowed(await takeTimes(limits, 60)), 60)
      const failing = failsToConnect(client)
      await redis.kill()
      await failing
      assert.equal(await node.takeInVain('first to notice'), false)
      const locally = await takeTimes(limits, 60)
      // What was passed while Redis was there counts: else every loss would hand out the whole limit once more.
      assert.equal(countAllowed(locally), 40)
      assert.ok(locally.every(({ isShared }) => !isShared))
      assert.equal(said.length, 1)
      assert.match(said[0] ?? '', /connect (ECONNREFUSED|ENOENT)/)

      // Not `once` of node:events: the attempts that fail before are errors to it.
      const back = new Promise<void>((resolve) => client.once('ready', resolve))
      await redis.start()
      await back
      const recovered = node.says()
      clock.advance(1_000)
      assert.equal((await limits.take('app', limit)).isShared, false)
      await recovered
      assert.deepEqual(said.slice(1), ['recovered'])
      // Redis has forgotten all; this node has not.
      assert.deepEqual([countAllowed(await takeTimes(limits, 10)), said.length], [0, 2])
      const { isShared, remaining } = await limits.take('another', limit)
      assert.deepEqual({ isShared, remaining }, { isShared: true, remaining: 99 })
    },
  )
}

test(
  'a Redis that hangs is waited for 250 milliseconds by whoever asks, twice in a row, and by nobody after that',
  withServer,
  async (t) => {
    const { redis, node } = await ready(t)
    const { limits, clock, said } = node
    await limits.take('app', small)
    redis.pause()
    const waiting = limits.take('app', small)
    assert.ok(waiting instanceof Promise)
    clock.advance(249)
    const early = await Promise.race([waiting, settled()])
    assert.equal(early, undefined)
    clock.advance(1)
    const { isShared, remaining } = await waiting
    assert.deepEqual({ isShared, remaining }, { isShared: false, remaining: 1 })
    assert.deepEqual(said, [])
    assert.equal(await node.takeInVain('another'), false)
    assert.deepEqual(said, ['No answer within 250 milliseconds.'])
    assert.ok(!(limits.take('app', small) instanceof Promise))

    // Still gone after the pause: one question goes out, nobody waits for it, and nobody is told again.
    clock.advance(1_000)
    assert.ok(!(limits.take('app', small) instanceof Promise))
    clock.advance(250)
    await settled()
    assert.equal(said.length, 1)

    redis.resume()
    const recovered = node.says()
    clock.advance(1_000)
    assert.ok(!(limits.take('app', small) instanceof Promise))
    await recovered
    assert.deepEqual(said.slice(1), ['recovered'])
  },
)

test(
  'trust R14: two nodes pass no more than what was left, each, through a loss, and know of one another after it',
  withServer,
  async (t) => {
    const redis = await startRedis(t)
    const [one, other] = [startNode(redis), startNode(redis)]
    await takeTimes(one.limits, 40)
    await takeTimes(other.limits, 40)
    redis.pause()
    for (const node of [one, other]) {
      await node.takeInVain('first to notice')
      await node.takeInVain('second')
      assert.equal(node.said.length, 1)
    }
    // The one was told of 40, the other of 80.
    assert.equal(countAllowed(await takeTimes(one.limits, 5)), 5)
    assert.equal(countAllowed(await takeTimes(other.limits, 100)), 20)
    redis.resume()
    for (const node of [one, other]) {
      const recovered = node.says()
      node.clock.advance(1_000)
      node.limits.take('probing', small)
      await recovered
    }
    const [told] = await takeTimes(one.limits, 1)
    // 80, and 5 that only this one knows of, and this request.
    assert.equal(told?.remaining, 14)
    const [refused] = await takeTimes(other.limits, 1)
    assert.deepEqual([refused?.isAllowed, refused?.isShared], [false, true])
    assert.equal(countAllowed(await takeTimes(one.limits, 10)), 0)
  },
)
