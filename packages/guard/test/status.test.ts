// What operators see of a guard that has lost something: its standing, since when, by which policy, and how many passed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryLimits, type LimitStore } from '@sallyport/guard'
import { createRedisLimits } from '@sallyport/guard/redis'
import { createFeed } from './policy/feed.ts'
import { createWorld, guardOf, requestWith, settled, startedAt } from './world.ts'

const credentials = { id: 'api', secret: 'secret' }
const limit = { name: 'invoices', requests: 100, windowSeconds: 60 }

test('R15: the policy for a cut feed stands in the status, and who was let in by it is counted', async () => {
  const world = createWorld()
  const guard = guardOf(world, { credentials, revocation: { whenCut: 'allow', afterSeconds: 30 } })
  await settled()
  for (let index = 0; index < 3; index++) await guard.check(requestWith(world.token()))
  await guard.check(requestWith(null))
  const { standing, whenCut, afterSeconds, allowedWhileCut } = guard.status().revocations
  assert.deepEqual(
    { standing, whenCut, afterSeconds, allowedWhileCut },
    { standing: 'cut', whenCut: 'allow', afterSeconds: 30, allowedWhileCut: 3 },
  )
  guard.close()
})

test('R15: without a word of the API the policy is the standard one, and nobody passes by it', async () => {
  const world = createWorld()
  const guard = guardOf(world, { credentials })
  await settled()
  await guard.check(requestWith(world.token()))
  const { whenCut, afterSeconds, allowedWhileCut } = guard.status().revocations
  assert.deepEqual(
    { whenCut, afterSeconds, allowedWhileCut },
    { whenCut: 'refuse', afterSeconds: 900, allowedWhileCut: 0 },
  )
  guard.close()
})

test('R15: who is let in while nothing is cut is not counted as let in by the policy', async () => {
  const world = createWorld()
  const guard = guardOf(world)
  assert.ok((await guard.check(requestWith(world.token()))).isAllowed)
  assert.equal(guard.status().revocations.allowedWhileCut, 0)
})

test('issue 6, 2: the refusal of a cut feed tells the API by which policy, and its caller nothing', async () => {
  const world = createWorld()
  const guard = guardOf(world, { credentials, revocation: { afterSeconds: 77 } })
  await settled()
  const decision = await guard.check(requestWith(world.token()))
  assert.ok(!decision.isAllowed)
  assert.match(decision.cause ?? '', /auth\.example.* \(never connected since the start, whenCut: refuse\)$/)
  assert.ok(!/77|whenCut/.test(decision.body))
  guard.close()
})

/** Of a good token that is refused so many seconds after the feed was begun. */
async function causeAfter(seconds: number, told: object, isLost: boolean): Promise<string | null> {
  const world = createWorld()
  const feed = createFeed(world)
  const guard = guardOf(world, { credentials, revocation: { afterSeconds: 60 } })
  await settled()
  if (isLost) {
    feed.refuses = true
    await feed.end()
  } else await feed.tell('heartbeat', told)
  if (seconds > 0) await world.advance(seconds)
  const decision = await guard.check(requestWith(world.token({ exp: world.now + 600 })))
  guard.close()
  return decision.isAllowed ? null : decision.cause
}

test('issue 6, 2: the refusal of a cut feed tells an issuer that is gone from one whose word is old', async () => {
  assert.match(
    (await causeAfter(70, {}, true)) ?? '',
    /answered 503 \(nothing heard of revocations for 70 seconds, afterSeconds: 60, whenCut: refuse\)$/,
  )
  assert.match(
    (await causeAfter(0, { as_of: startedAt - 75 }, false)) ?? '',
    /^connected, but what the issuer knows is 75 seconds old by this clock: compare the clocks .* lost its database \(afterSeconds: 60, whenCut: refuse\)$/,
  )
  assert.equal(await causeAfter(0, { as_of: startedAt - 59 }, false), null)
})

test('R15: a feed that stays away is told once, and not at each attempt; another reason is news', async () => {
  const world = createWorld()
  world.isCut = true
  const told: (string | undefined)[] = []
  const guard = guardOf(world, {
    credentials,
    onRevocationState: ({ failure }) => told.push(failure?.message),
  })
  for (let index = 0; index < 10; index++) await world.advance(6)
  assert.ok(world.asked.length > 5)
  assert.equal(told.length, 1)
  world.isCut = false
  for (let index = 0; index < 3; index++) await world.advance(6)
  assert.equal(told.length, 2)
  assert.notEqual(told[1], told[0])
  guard.close()
})

const counting = (store: LimitStore, world = createWorld()) => {
  const guard = guardOf(world, { limits: { store } })
  const ask = () => guard.check(requestWith(world.token()), { endpoint: 'GET /invoices', limit })
  return { world, guard, ask }
}

test('trust R14: a guard whose limits are no longer shared says so, since when, and why, and how many it counted alone', async () => {
  const world = createWorld()
  let isLost = false
  const client = {
    async sendCommand() {
      if (isLost) throw new Error('connect ECONNREFUSED')
      return [1, 1, 60_000, 60_000, '1 0']
    },
  }
  const store = createRedisLimits(client, { elapsed: () => world.now * 1_000 })
  const { guard, ask } = counting(store, world)
  await ask()
  assert.deepEqual(guard.status().limits, {
    ...{ standing: 'shared', since: startedAt, failure: null, countedAlone: 0 },
  })
  isLost = true
  await world.advance(10)
  for (let index = 0; index < 5; index++) await ask()
  await world.advance(7)
  assert.deepEqual(guard.status().limits, {
    ...{ standing: 'local', since: startedAt + 10, failure: 'connect ECONNREFUSED', countedAlone: 5 },
  })
})

test('limits in memory are local and have never been anything else; without limits there is nothing to say', () => {
  const { guard } = counting(createMemoryLimits())
  assert.deepEqual(guard.status().limits, {
    ...{ standing: 'local', since: null, failure: null, countedAlone: null },
  })
  assert.equal(guardOf(createWorld()).status().limits, null)
})
