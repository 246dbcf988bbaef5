// Limits of one process: whose bucket is whose, and which buckets stay when there are too many.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limitKey } from '../../src/limits/key.ts'
import { checkLimit, type Limit } from '../../src/limits/limit.ts'
import { createMemoryLimits } from '../../src/limits/memory.ts'
import { handClock } from './hand-clock.ts'

const limit: Limit = { name: 'payments', requests: 3, windowSeconds: 60 }
const owner = {
  issuer: 'https://auth.example/acme',
  audience: 'https://api.example',
  clientId: 'robot',
  endpoint: 'POST /payments',
}

/** The bucket's three, and the one too many. */
function exhaust(take: () => { readonly isAllowed: boolean }): void {
  assert.deepEqual(
    Array.from({ length: 4 }, () => take().isAllowed),
    [true, true, true, false],
  )
}

test('003-20: two endpoints have two buckets, two tokens of one app share one, and two apps, APIs or tenants never do', () => {
  const limits = createMemoryLimits({ elapsed: handClock().elapsed })
  exhaust(() => limits.take(limitKey(owner), limit))
  assert.equal(limits.take(limitKey({ ...owner }), limit).isAllowed, false)
  for (const other of [
    { endpoint: 'GET /payments' },
    { clientId: 'robot2' },
    { issuer: 'https://other' },
    { audience: 'https://other' },
  ]) {
    exhaust(() => limits.take(limitKey({ ...owner, ...other }), limit))
  }
})

test('003-20: two limits on one endpoint are counted apart, and a limit that is changed holds from the next request', () => {
  const limits = createMemoryLimits({ elapsed: handClock().elapsed })
  const key = limitKey(owner)
  exhaust(() => limits.take(key, limit))
  exhaust(() => limits.take(key, { ...limit, name: 'all' }))
  exhaust(() => limits.take(key, { ...limit, windowSeconds: 3600 }))
  assert.equal(limits.take(key, { ...limit, requests: 2 }).remaining, 1)
})

test('trust R14: of 200 requests at once a limit of 100 passes a hundred', async () => {
  const limits = createMemoryLimits({ elapsed: handClock().elapsed })
  const hundred = { ...limit, requests: 100 }
  const answers = await Promise.all(Array.from({ length: 200 }, async () => limits.take('app', hundred)))
  assert.equal(answers.filter(({ isAllowed }) => isAllowed).length, 100)
})

test('a limit of nothing passes nothing and says when to ask again', () => {
  const limits = createMemoryLimits({ elapsed: handClock().elapsed })
  assert.deepEqual(limits.take('app', { ...limit, requests: 0 }), {
    isAllowed: false,
    remaining: 0,
    resetSeconds: 60,
    retryAfterSeconds: 60,
    isShared: false,
  })
})

test('trust R12, R14: a flood of other apps does not hand an app that goes on asking a fresh bucket', () => {
  const clock = handClock()
  const limits = createMemoryLimits({ elapsed: clock.elapsed, entries: 100 })
  exhaust(() => limits.take('busy', limit))
  for (let index = 0; index < 5_000; index++) {
    limits.take(`other ${index}`, limit)
    if (index % 50 === 0) assert.equal(limits.take('busy', limit).isAllowed, false)
  }
  clock.advance(60_000)
  exhaust(() => limits.take('busy', limit))
})

test('trust R12: the buckets that are kept are no more than were asked for', () => {
  const limits = createMemoryLimits({ elapsed: handClock().elapsed, entries: 10 })
  const apps = Array.from({ length: 11 }, (_, index) => `app ${index}`)
  for (const app of apps) limits.take(app, limit)
  const begunAnew = apps.toReversed().filter((app) => limits.take(app, limit).remaining === 2)
  assert.deepEqual(begunAnew, ['app 0'])
})

test('trust R14: a bucket that is full again goes before one that is not, though that was idle for longer', () => {
  const clock = handClock()
  const limits = createMemoryLimits({ elapsed: clock.elapsed, entries: 2 })
  const daily = { ...limit, name: 'daily', windowSeconds: 86_400 }
  exhaust(() => limits.take('app', daily))
  limits.take('app', limit)
  clock.advance(60_000)
  limits.take('newcomer', limit)
  assert.equal(limits.take('app', daily).isAllowed, false)
})

test('trust R14: what was given back may be taken again, across the parts that a bucket counts in', () => {
  const some = { ...limit, requests: 64 }
  for (const [taken, givenBack] of [
    [9, 1],
    [9, 6],
    [64, 64],
    [2, 5],
  ] as const) {
    const limits = createMemoryLimits({ elapsed: handClock().elapsed })
    for (let index = 0; index < taken; index++) limits.take('app', some)
    for (let index = 0; index < givenBack; index++) limits.giveBack('app', some)
    const left = 64 - Math.max(taken - givenBack, 0)
    assert.equal(limits.take('app', some).remaining, left - 1)
  }
  createMemoryLimits().giveBack('unknown', limit)
})

test('RFC 9651 §3.3: a limit that no header could say is refused where it is written', () => {
  checkLimit(limit)
  const wrong: Partial<Limit>[] = [
    { name: '' },
    { name: 'zahlung\u00e4n' },
    { name: 'a\nb' },
    { requests: -1 },
    { requests: 1.5 },
    { requests: Number.NaN },
    { requests: 1e15 },
    { windowSeconds: 0 },
    { windowSeconds: 0.5 },
    { windowSeconds: Number.POSITIVE_INFINITY },
  ]
  for (const part of wrong)
    assert.throws(() => checkLimit({ ...limit, ...part }), TypeError, JSON.stringify(part))
})
