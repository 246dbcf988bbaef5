// Shared limits without a server: a client that answers what the test says.
import assert from 'node:assert/strict'
import { test } from 'node:test'
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

const refusing: Answer = () => [0, 3, 1500, 60_000]
const allowing: Answer = () => [1, 1, 60_000, 60_000]
const failing: Answer = () => {
  throw new Error('READONLY You can not write against a read only replica.')
}

test('trust R14: what another process has used up is refused here, by the numbers of Redis, and not counted here', async () => {
  const client = scripted(refusing)
  const limits = createRedisLimits(client, handClock())
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
  const limits = createRedisLimits(client, handClock())
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
  'no numbers': () => ['yes', 'no', 'perhaps', 'never'],
}

for (const [name, answer] of Object.entries(useless)) {
  test(`a client that answers with ${name} makes limits local, which is said once, and asked again a pause apart`, async () => {
    const clock = handClock()
    const said: string[] = []
    const client = scripted(answer)
    const limits = createRedisLimits(client, {
      ...clock,
      onDegraded: () => said.push('degraded'),
      onRecovered: () => said.push('recovered'),
    })
    const settled = () => new Promise(setImmediate)

    assert.equal((await limits.take('app', limit)).isShared, false)
    assert.equal((await limits.take('app', limit)).isShared, false)
    assert.deepEqual([said, client.asked.length], [['degraded'], 1])
    clock.advance(1_000)
    for (let index = 0; index < 5; index++) limits.take(`app ${index}`, limit)
    await settled()
    assert.deepEqual([said, client.asked.length], [['degraded'], 2])

    client.answer = allowing
    clock.advance(1_000)
    assert.equal((await limits.take('another', limit)).isShared, false)
    await settled()
    assert.deepEqual(said, ['degraded', 'recovered'])
    assert.equal((await limits.take('a third', limit)).isShared, true)
    client.answer = answer
    await limits.take('a fourth', limit)
    assert.deepEqual(said, ['degraded', 'recovered', 'degraded'])
  })
}
