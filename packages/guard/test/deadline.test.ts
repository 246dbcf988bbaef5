// An issuer that answers each question slowly: all that is asked for one request has five seconds together.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryLimits, type Decision, type GuardOptions } from '@sallyport/guard'
import { boundTo, holder, proof } from './proofs.ts'
import { createWorld, guardOf, requestWith, settled, type World } from './world.ts'

const credentials = { id: 'api', secret: 'secret' }

/** Every answer of the issuer comes so many seconds late, or not at all once it was given up. */
function slowBy(world: World, seconds: number): void {
  for (const [end, answer] of world.answers) {
    world.answers.set(end, async (request) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      world.effects.later(seconds * 1_000, resolve)
      request.init.signal?.addEventListener('abort', () => reject(new Error('given up')))
      await promise
      return answer(request)
    })
  }
}

/** After how many seconds it was decided, and what. */
async function decidedAfter(world: World, asked: ReturnType<ReturnType<typeof guardOf>['check']>) {
  let decision: Decision | null = null
  void Promise.resolve(asked).then((decided) => {
    decision = decided
  })
  const begun = world.now
  await settled()
  while (decision === null && world.now < begun + 60) {
    await world.advance(0.5)
    for (let turn = 0; turn < 5; turn++) await settled()
  }
  const decided = decision as Decision | null
  assert.ok(decided)
  return { seconds: world.now - begun, answer: decided.isAllowed ? 'allowed' : decided.reason }
}

const policy = {
  apis: [
    { id: 'invoices', audience: 'https://api.example', endpoints: [{ method: 'GET', path: '/invoices' }] },
  ],
}

const asking: Readonly<Record<string, [Partial<GuardOptions>, string]>> = {
  keys: [{}, 'keys_unavailable'],
  'revocations and keys': [{ credentials, revocation: { whenCut: 'allow' } }, 'keys_unavailable'],
  'revocations and what a token is': [
    { credentials, introspect: 'always', revocation: { whenCut: 'allow' } },
    'introspection_unavailable',
  ],
  'its policy, keys and limits': [
    {
      ...{ credentials, endpoints: 'issuer', revocation: { whenCut: 'allow' } },
      limits: { store: createMemoryLimits() },
    },
    'policy_unavailable',
  ],
}

for (const [what, [options, reason]] of Object.entries(asking)) {
  for (const seconds of [3, 3.5, 60]) {
    test(`trust 40: an issuer that takes ${seconds} seconds for each answer, asked for ${what}, holds a request for five at the most`, async () => {
      const world = createWorld()
      world.answers.set('/oauth2/policy', () => Response.json(policy))
      world.answers.set('/oauth2/revocations', () => new Response('event: ready\ndata: {}\n\n'))
      world.answers.set('/oauth2/introspect', () => Response.json({ active: false }))
      slowBy(world, seconds)
      const guard = guardOf(world, options)
      const decided = await decidedAfter(world, guard.check(requestWith(world.token())))
      // Metadata and keys are one question.
      assert.ok(decided.seconds <= (what === 'keys' ? 4 : 5), `${decided.seconds} seconds`)
      assert.equal(decided.answer, reason)
      guard.close()
    })
  }
}

const never = <Value>(): Promise<Value> => new Promise<Value>(() => {})
const limit = { name: 'app', requests: 9, windowSeconds: 60 }
const silent: Readonly<Record<string, readonly [Partial<GuardOptions>, string, RegExp]>> = {
  '`limitOf`': [
    { limits: { store: createMemoryLimits(), limitOf: never } },
    'limits_unavailable',
    /`limitOf`.* within 5 seconds$/,
  ],
  'limit store': [
    { limits: { store: { take: never }, limitOf: () => limit } },
    'limits_unavailable',
    /limit store.* within 5 seconds$/,
  ],
  'memory of proofs': [
    { dpop: { proofs: { use: never } } },
    'proofs_unavailable',
    /`dpop\.proofs`.* within 5 seconds$/,
  ],
}

for (const [what, [options, reason, cause]] of Object.entries(silent)) {
  test(`product 8: a ${what} that never answers is named in the refusal, though the issuer is there`, async () => {
    const world = createWorld()
    const told: (string | null)[] = []
    const guard = guardOf(world, { ...options, onRefusal: (refused) => void told.push(refused.cause) })
    const [good, bound] = [world.token(), world.token(boundTo(holder))]
    const requestFor = () =>
      reason === 'proofs_unavailable'
        ? requestWith(null, { headers: { authorization: `DPoP ${bound}`, dpop: proof(bound) } })
        : requestWith(good)
    // The second has its token in memory, and waits for nothing else.
    for (let index = 0; index < 2; index++) {
      const asked = guard.check(requestFor(), { endpoint: 'GET /invoices' })
      assert.deepEqual(await decidedAfter(world, asked), { seconds: 5, answer: reason })
    }
    for (const one of told) assert.match(one ?? '', cause)
    assert.equal(told.length, 2)
    assert.equal(guard.status().keys.failure, null)
  })
}

test('a request that was given up costs the next one nothing: what it asked for arrives', async () => {
  const world = createWorld()
  slowBy(world, 1.5)
  const guard = guardOf(world)
  const first = guard.check(requestWith(world.token()))
  assert.deepEqual(await decidedAfter(world, first), { seconds: 3, answer: 'allowed' })
  assert.deepEqual(await decidedAfter(world, guard.check(requestWith(world.token()))), {
    seconds: 0,
    answer: 'allowed',
  })
})
