// What a route says of limits counts, or is refused before the first request.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryLimits, type Guard, GuardOptionsError, type Requirement } from '@sallyport/guard'
import { protect as protectExpress } from '@sallyport/guard/express'
import { protect as protectFastify } from '@sallyport/guard/fastify'
import { protect as protectHono } from '@sallyport/guard/hono'
import { protect as protectNode } from '@sallyport/guard/node'
import { protect as protectWeb } from '@sallyport/guard/web'
import { createWorld, guardOf, requestWith } from './world.ts'

const perMinute = (requests: number) => ({ name: 'app', requests, windowSeconds: 60 })
const counted = { limits: { store: createMemoryLimits() } }

const adapters: Readonly<Record<string, (guard: Guard, requirement: Requirement) => unknown>> = {
  express: protectExpress,
  fastify: protectFastify,
  hono: protectHono,
  node: (guard, requirement) => protectNode(guard, () => {}, requirement),
  web: (guard, requirement) => protectWeb(guard, () => new Response(), requirement),
}

for (const [name, protect] of Object.entries(adapters)) {
  test(`003-20: ${name}: a limit on a guard that counts nothing is refused when the route is set up`, () => {
    const guard = guardOf(createWorld())
    const refused = () => protect(guard, { limit: perMinute(1), endpoint: 'GET /a' })
    assert.throws(refused, GuardOptionsError)
    assert.throws(refused, /give createGuard `limits: \{ store: createMemoryLimits\(\) \}`/)
    protect(guard, { scope: 'invoices/read' })
  })

  test(`003-20: ${name}: what is no limit is refused when the route is set up`, () => {
    const guard = guardOf(createWorld(), counted)
    const wrong = [
      ...[
        { request: 1, windowSecond: 60 },
        { requests: 1, window: 60 },
        { requests: 1.5, windowSeconds: 60 },
      ],
      ...[{ requests: -1, windowSeconds: 60 }, { requests: 1, windowSeconds: 0 }, 5, null, 'often', {}],
      { name: 'é', requests: 1, windowSeconds: 60 },
    ]
    for (const limit of wrong) {
      const requirement = { limit, endpoint: 'GET /a' } as unknown as Requirement
      assert.throws(() => protect(guard, requirement), GuardOptionsError, JSON.stringify(limit))
    }
    for (const limit of [perMinute(0), { requests: 1, windowSeconds: 1 }])
      protect(guard, { limit, endpoint: 'GET /a' })
  })
}

for (const name of ['node', 'web']) {
  test(`003-20: ${name}: a limit without \`endpoint\` is refused, unless a table names all that is let in`, () => {
    const protect = adapters[name]
    const limit = perMinute(1)
    const endpoints = [{ method: 'GET', path: '/invoices' }]
    const limitOf = () => perMinute(1)
    for (const options of [counted, { ...counted, endpoints, unlisted: 'authenticate' as const }])
      assert.throws(() => protect?.(guardOf(createWorld(), options), { limit }), /needs `endpoint`/)
    const own = guardOf(createWorld(), { limits: { ...counted.limits, limitOf } })
    assert.throws(() => protect?.(own, {}), /needs `endpoint`/)
    protect?.(guardOf(createWorld(), { ...counted, endpoints }), { limit })
    protect?.(own, { endpoint: 'GET /invoices' })
  })
}

test('003-20: what a handler tells the guard itself is looked at as well', async () => {
  const world = createWorld()
  const check = async (options: object, requirement: object) =>
    guardOf(world, options).check(requestWith(world.token()), requirement)
  const endpoint = 'GET /a'
  await assert.rejects(check({}, { limit: perMinute(1), endpoint }), GuardOptionsError)
  await assert.rejects(check(counted, { limit: { requests: '1' }, endpoint }), GuardOptionsError)
  await assert.rejects(check(counted, { limit: perMinute(1) }), GuardOptionsError)
})

test('product 8: what is no scope throws at each check as where a route is set up, with a token and without', async () => {
  const world = createWorld()
  const guard = guardOf(world)
  const token = world.token({ scope: ['a b', 'read'] })
  for (const scope of ['a b', 'a"b', 'é', ['read', 'a b'], ['']]) {
    assert.throws(() => guard.checkRequirement({ scope }), GuardOptionsError)
    for (const shown of [token, token, null])
      await assert.rejects(async () => guard.check(requestWith(shown), { scope }), GuardOptionsError)
  }
  // More than are kept in mind.
  for (let index = 0; index < 1_500; index++) await guard.check(requestWith(null), { scope: `read-${index}` })
  for (let time = 0; time < 2; time++)
    assert.ok((await guard.check(requestWith(token), { scope: ['read'] })).isAllowed)
})

test('trust 179: of a table’s limit and a route’s the tighter holds', async () => {
  const hourly = { name: 'hour', requests: 120, windowSeconds: 3_600 }
  const cases = [
    [perMinute(5), perMinute(0), '"app";q=0;w=60'],
    [perMinute(0), perMinute(5), '"app";q=0;w=60'],
    [undefined, perMinute(3), '"app";q=3;w=60'],
    [perMinute(3), undefined, '"app";q=3;w=60'],
    [perMinute(3), hourly, '"hour";q=120;w=3600'],
    [perMinute(1), hourly, '"app";q=1;w=60'],
    [{ requests: 4, window_seconds: 60 }, { requests: 2, windowSeconds: 60 }, '"app";q=2;w=60'],
  ] as const
  for (const [ofTable, ofRoute, policy] of cases) {
    const world = createWorld()
    const endpoint = { method: 'GET', path: '/invoices', ...(ofTable && { limit: ofTable }) }
    const guard = guardOf(world, { endpoints: [endpoint], limits: { store: createMemoryLimits() } })
    const decision = await guard.check(requestWith(world.token()), { ...(ofRoute && { limit: ofRoute }) })
    assert.equal(decision.headers['RateLimit-Policy'], policy)
    assert.equal(decision.isAllowed, !policy.includes('q=0'))
  }
})

test('003-20: an API’s own `limitOf` is told the method, the path and what the route says', async () => {
  const world = createWorld()
  const told: unknown[] = []
  const limits = {
    store: createMemoryLimits(),
    limitOf: (
      _access: unknown,
      { method, path, limit }: { method: string; path: string; limit?: unknown },
    ) => {
      told.push({ method, path, limit })
      return null
    },
  }
  const limit = perMinute(2)
  const guard = guardOf(world, { limits })
  await guard.check(requestWith(world.token()), { endpoint: 'GET /invoices/{id}', limit })
  assert.deepEqual(told, [{ method: 'GET', path: '/invoices/{id}', limit }])
})
