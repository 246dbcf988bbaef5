// DPoP proofs that are good once at all processes together: through a real Redis, and while it is gone.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { createRedisProofs, type RedisProofsOptions } from '@sallyport/guard/redis'
import { handClock } from './limits/hand-clock.ts'
import { type RedisServer, startRedis, withServer } from './limits/redis-server.ts'
import { boundTo, holder, proof } from './proofs.ts'
import { createWorld, guardOf, requestWith } from './world.ts'

const world = createWorld()
const token = world.token(boundTo(holder))

/** A process of the API; time stands still for it, so that no answer is too late on a busy machine. */
function processAt(redis: RedisServer, options: RedisProofsOptions = {}) {
  // Without a queue it says at once that there is nobody.
  const client = redis.connect(false)
  const clock = handClock()
  const proofs = createRedisProofs(client, { ...clock.time, ...options })
  const guard = guardOf(world, { dpop: { proofs } })
  const show = async (shown: string) =>
    guard.check(requestWith(null, { headers: { authorization: `DPoP ${token}`, dpop: shown } }))
  const reasonOf = async (shown: string) => {
    const decision = await show(shown)
    return decision.isAllowed ? 'allowed' : decision.reason
  }
  return { client, clock, guard, show, reasonOf }
}

async function start(t: TestContext, options: RedisProofsOptions = {}) {
  const redis = await startRedis(t)
  const processes = [processAt(redis, options), processAt(redis, options)] as const
  await Promise.all(processes.map(({ client }) => client.status === 'ready' || once(client, 'ready')))
  return { redis, processes }
}

test(
  'product 7, RFC 9449 §11.1: of two processes that are shown one proof at once, time and again, one takes it',
  withServer,
  async (t) => {
    const { processes } = await start(t)
    for (let round = 0; round < 20; round++) {
      const shown = proof(token)
      const reasons = await Promise.all([...processes, ...processes].map(({ reasonOf }) => reasonOf(shown)))
      assert.deepEqual(reasons.toSorted(), ['allowed', 'dpop_proof', 'dpop_proof', 'dpop_proof'])
    }
    assert.equal(processes[0].guard.status().proofs?.standing, 'shared')
  },
)

test('trust 95: a proof is remembered for longer than it lives, and not for ever', withServer, async (t) => {
  const { processes } = await start(t, { prefix: 'mine:' })
  const [{ client, reasonOf }] = processes
  assert.equal(await reasonOf(proof(token)), 'allowed')
  const keys = await client.keys('*')
  assert.equal(keys.length, 1)
  assert.match(keys[0] ?? '', /^mine:https:\/\/api\.example /)
  const left = await client.pttl(keys[0] ?? '')
  assert.ok(left > 100_000 && left <= 121_000, `${left}`)
})

test(
  'product 8: while Redis is gone a bound token is 503, the log hears why, and once it is back proofs are taken again',
  withServer,
  async (t) => {
    const recovered = Promise.withResolvers<void>()
    const { redis, processes } = await start(t, { onRecovered: recovered.resolve })
    const [{ client, clock, guard, show, reasonOf }] = processes
    const closed = once(client, 'close')
    await redis.kill()
    await closed
    const refused = [await show(proof(token)), await show(proof(token)), await show(proof(token))]
    for (const decision of refused) {
      assert.ok(!decision.isAllowed)
      assert.deepEqual([decision.status, decision.reason], [503, 'proofs_unavailable'])
      assert.equal(decision.headers['retry-after'], '5')
      assert.ok(decision.cause)
      assert.ok(!decision.body.includes(decision.cause))
    }
    const { standing, failure } = guard.status().proofs ?? assert.fail()
    assert.deepEqual([standing, typeof failure], ['lost', 'string'])
    // What is not bound needs no proof.
    assert.ok((await guard.check(requestWith(world.token()))).isAllowed)

    const back = new Promise<void>((resolve) => client.once('ready', resolve))
    await redis.start()
    await back
    clock.advance(1_000)
    // Nobody waits for the question whether it is back.
    assert.equal(await reasonOf(proof(token)), 'proofs_unavailable')
    await recovered.promise
    assert.equal(await reasonOf(proof(token)), 'allowed')
    assert.equal(guard.status().proofs?.standing, 'shared')
  },
)

test(
  'trust 95: with `allow` a proof is good once at each process while Redis is gone',
  withServer,
  async (t) => {
    const told: unknown[] = []
    const { redis, processes } = await start(t, {
      whenLost: 'allow',
      onDegraded: (reason) => told.push(reason),
    })
    const closed = processes.map(({ client }) => once(client, 'close'))
    await redis.kill()
    await Promise.all(closed)
    for (const shown of [proof(token), proof(token)])
      for (const { reasonOf } of processes)
        assert.deepEqual([await reasonOf(shown), await reasonOf(shown)], ['allowed', 'dpop_proof'])
    assert.equal(told.length, 2)
    assert.equal(processes[0].guard.status().proofs?.standing, 'lost')
  },
)
