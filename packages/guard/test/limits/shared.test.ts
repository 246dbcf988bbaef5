// Shared limits without a server: a client that answers what the test says.
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { createRedisProofs } from '../../src/binding/redis-proofs.ts'
import type { Limit } from '../../src/limits/limit.ts'
import { createRedisLimits } from '../../src/limits/redis.ts'
import { handClock } from './hand-clock.ts'

const limit: Limit = { name: 'payments', requests: 3, windowSeconds: 60 }

type Answer = () => unknown

/** `answer` may be exchanged; what was asked is listed. */
function scripted(answer: Answer) {
  const asked: string[][] = []
  const client = {
    answer,
    asked,
    async sendCommand(words: string[]) {
      asked.push(words)
      return client.answer()
    },
  }
  return client
}

const refusing: Answer = () => [0, 3, 1500, 60_000, '1 58500 58500 0']
const allowing: Answer = () => [1, 1, 60_000, 60_000, '1 0']
const failing: Answer = () => {
  throw new Error('READONLY You can not write against a read only replica.')
}

test('trust R14: what another process has used up is refused here, by the numbers of Redis, and not counted here', async () => {
  const client = scripted(refusing)
  const limits = createRedisLimits(client, handClock().time)
  for (let index = 0; index < 10; index++) {
    assert.deepEqual(await limits.take('app', limit), {
      isAllowed: false,
      remaining: 0,
      resetSeconds: 2,
      retryAfterSeconds: 2,
      isShared: true,
    })
  }
  client.answer = allowing
  assert.equal((await limits.take('app', limit)).isAllowed, true)
})

test('trust R14: a Redis that has lost its memory cannot give this process more than the limit, or say that more remains', async () => {
  const client = scripted(allowing)
  const limits = createRedisLimits(client, handClock().time)
  const answers = []
  for (let index = 0; index < 4; index++) answers.push(await limits.take('app', limit))
  assert.deepEqual(
    answers.map(({ isAllowed, remaining, isShared }) => [isAllowed, remaining, isShared]),
    [
      [true, 2, true],
      [true, 1, true],
      [true, 0, true],
      [false, 0, true],
    ],
  )
  assert.equal(client.asked.length, 3)
})

const useless: Readonly<Record<string, Answer>> = {
  'an error': failing,
  nothing: () => null,
  'three numbers': () => [1, 2, 3],
  'numbers and no bucket': () => [1, 1, 60_000, 60_000, 'full'],
  'no numbers': () => ['yes', 'no', 'perhaps', 'never', '1 0'],
}

/** With what it says about its Redis, in its order. */
function telling(client: ReturnType<typeof scripted>) {
  const clock = handClock()
  const said: string[] = []
  const limits = createRedisLimits(client, {
    ...clock.time,
    onDegraded: () => said.push('degraded'),
    onRecovered: () => said.push('recovered'),
  })
  return { clock, said, limits }
}

const settled = () => new Promise(setImmediate)

for (const [name, answer] of Object.entries(useless)) {
  test(`a client that twice answers with ${name} makes limits local, which is said once, and asked again a pause apart`, async () => {
    const client = scripted(answer)
    const { clock, said, limits } = telling(client)
    assert.equal((await limits.take('app', limit)).isShared, false)
    assert.deepEqual(said, [])
    assert.equal((await limits.take('app', limit)).isShared, false)
    assert.equal((await limits.take('app', limit)).isShared, false)
    assert.deepEqual([said, client.asked.length], [['degraded'], 2])
    clock.advance(1_000)
    for (let index = 0; index < 5; index++) limits.take(`app ${index}`, limit)
    await settled()
    assert.deepEqual([said, client.asked.length], [['degraded'], 3])

    client.answer = allowing
    clock.advance(1_000)
    assert.equal((await limits.take('another', limit)).isShared, false)
    await settled()
    assert.deepEqual(said, ['degraded', 'recovered'])
    assert.equal((await limits.take('a third', limit)).isShared, true)
    client.answer = answer
    for (let index = 0; index < 3; index++) await limits.take('a fourth', limit)
    assert.deepEqual(said, ['degraded', 'recovered', 'degraded'])
  })
}

const never: Answer = () => new Promise(() => {})

test('trust R14: a whole burst that is answered too late is no loss, and the next request asks', async () => {
  const client = scripted(never)
  const { clock, said, limits } = telling(client)
  const burst = Array.from({ length: 300 }, (_, index) => limits.take(`app ${index}`, limit))
  clock.advance(250)
  const answers = await Promise.all(burst)
  assert.ok(answers.every(({ isAllowed, isShared }) => isAllowed && !isShared))
  client.answer = allowing
  assert.equal((await limits.take('app', limit)).isShared, true)
  // Late again, but not in a row.
  client.answer = never
  const late = limits.take('app', limit)
  clock.advance(250)
  await late
  assert.deepEqual(said, [])
})

test('trust R14: a process that was held up for a minute takes what Redis answered in time for an answer', async () => {
  let answer = (_: unknown): void => {}
  const client = scripted(
    () =>
      new Promise((resolve) => {
        answer = resolve
      }),
  )
  const { clock, said, limits } = telling(client)
  const waiting = limits.take('app', limit)
  // The question goes out when the digest of the script is known.
  while (client.asked.length === 0) await settled()
  for (let index = 0; index < 9; index++) clock.hold(6_000)
  answer(allowing())
  assert.deepEqual([(await waiting).isShared, said], [true, []])
})

test('trust R14: a process that can ask no more goes on from what it was told, and not from what it has passed itself', async () => {
  const hundred: Limit = { ...limit, requests: 100 }
  // 95 are taken, by whomever: 90 ten seconds ago, of which the oldest part leaves with the others.
  const state = ['5', ...Array.from({ length: 15 }, () => '10000'), '0'].join(' ')
  const client = scripted(() => [1, 95, 50_000, 60_000, state])
  const { clock, limits } = telling(client)
  await limits.take('app', hundred)
  client.answer = failing
  const passed = async () => {
    const answers = []
    for (let index = 0; index < 120; index++) answers.push(await limits.take('app', hundred))
    return answers.filter(({ isAllowed }) => isAllowed).length
  }
  assert.equal(await passed(), 5)
  clock.advance(49_999)
  assert.equal(await passed(), 0)
  clock.advance(1)
  assert.equal(await passed(), 90)
})

test('trust R14: what was passed alone is told to the others once, with its age, and told again where it was not heard', async () => {
  const ten: Limit = { ...limit, requests: 10 }
  const client = scripted(failing)
  const { clock, limits } = telling(client)
  const told = async () => {
    await limits.take('app', ten)
    return client.asked.at(-1)?.at(-1)
  }
  assert.equal(await told(), '')
  clock.advance(10)
  assert.equal(await told(), '10 1')
  client.answer = allowing
  clock.advance(1_000)
  await limits.take('app', ten)
  await settled()
  assert.equal(await told(), '1010 1 1000 1 0 1')
  assert.equal(await told(), '')
})

test('trust R14: a process that has used up a limit alone tells the others, though it has nothing to ask', async () => {
  const client = scripted(failing)
  const { clock, limits } = telling(client)
  for (let index = 0; index < 4; index++) await limits.take('app', limit)
  client.answer = refusing
  clock.advance(1_000)
  await limits.take('another', limit)
  await settled()
  assert.equal((await limits.take('app', limit)).isAllowed, false)
  await settled()
  assert.equal(client.asked.at(-1)?.at(-1), '1000 1 1000 1 1000 1')
  const asked = client.asked.length
  await limits.take('app', limit)
  await settled()
  assert.equal(client.asked.length, asked)
})

test('a loss is told with the error of the connection, which says more than that nobody answered', async () => {
  const client = Object.assign(new EventEmitter(), { sendCommand: () => new Promise<unknown>(() => {}) })
  const clock = handClock()
  const reasons: unknown[] = []
  const limits = createRedisLimits(client, { ...clock.time, onDegraded: (reason) => reasons.push(reason) })
  const waiting = limits.take('app', limit)
  const refused = new Error('connect ECONNREFUSED 127.0.0.1:6379')
  client.emit('error', refused)
  clock.advance(250)
  await waiting
  assert.deepEqual(reasons, [refused])
  assert.ok(!(limits.take('app', limit) instanceof Promise))
  clock.advance(5_000)
  assert.deepEqual(limits.standing?.(), {
    isShared: false,
    milliseconds: 5_000,
    failure: refused,
    countedAlone: 2,
  })
})

test('an error of the connection that is over makes no loss of one late answer', async () => {
  const client = Object.assign(new EventEmitter(), { sendCommand: () => new Promise<unknown>(() => {}) })
  const clock = handClock()
  const limits = createRedisLimits(client, { ...clock.time })
  client.emit('error', new Error('connect ECONNREFUSED 127.0.0.1:6379'))
  client.emit('ready')
  const waiting = limits.take('app', limit)
  clock.advance(250)
  await waiting
  assert.equal(limits.standing?.().isShared, true)
})

test('product 7: however many stores and memories are made on one client, it is listened to once', async () => {
  const client = Object.assign(new EventEmitter(), { sendCommand: () => new Promise<unknown>(() => {}) })
  const clock = handClock()
  const stores = Array.from({ length: 6 }, () => createRedisLimits(client, clock.time))
  for (let index = 0; index < 6; index++) createRedisProofs(client, clock.time)
  // Node.js takes more than ten for a leak, and says so.
  assert.deepEqual([client.listenerCount('error'), client.listenerCount('ready')], [1, 1])
  const refused = new Error('connect ECONNREFUSED 127.0.0.1:6379')
  client.emit('error', refused)
  const waiting = stores.map((store) => store.take('app', limit))
  clock.advance(250)
  await Promise.all(waiting)
  for (const store of stores) assert.equal(store.standing?.().failure, refused)
})
