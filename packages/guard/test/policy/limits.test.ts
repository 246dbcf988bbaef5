// 003-20: limits as the issuer declares them, per endpoint and app: asked for once, known from then on, until there is news.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryLimits, type Decision, type Guard, type GuardOptions } from '@sallyport/guard'
import { audience, createWorld, guardOf, requestWith, settled, type World } from '../world.ts'
import { createFeed, type Feed } from './feed.ts'

const perMinute = (requests: number) => ({ requests, window_seconds: 60 })
const invoices = { method: 'GET', path: '/invoices', scope: 'invoices/read', limit: perMinute(2) }
const bills = { ...invoices, path: '/bills', limit: perMinute(5) }
const table = { apis: [{ api: 'rest', audience, endpoints: [invoices, bills] }] }

interface Limited {
  readonly world: World
  readonly feed: Feed
  readonly guard: Guard
  /** Of apps: what the issuer answers, or null for no answer. */
  readonly own: Map<string, readonly object[] | null>
  /** Questions about apps so far. */
  questions(): readonly string[]
  ask(clientId: string, path?: string): Promise<Decision>
}

function limited(options: Partial<GuardOptions> = {}): Limited {
  const world = createWorld()
  const feed = createFeed(world)
  const own: Limited['own'] = new Map()
  world.answers.set('/oauth2/policy', () => Response.json(table))
  const answerFor = (clientId: string) => {
    const limits = own.get(clientId)
    if (limits === null) return new Response(null, { status: 503 })
    return Response.json({ client_id: clientId, limits: limits ?? [] })
  }
  for (let app = 0; app < 30; app++)
    world.answers.set(`/oauth2/policy?app=app-${app}`, () => answerFor(`app-${app}`))
  const limits = { store: createMemoryLimits({ elapsed: () => world.now * 1_000 }) }
  const credentials = { id: 'api', secret: 'secret' }
  const guard = guardOf(world, { credentials, endpoints: 'issuer', limits, ...options })
  return {
    ...{ world, feed, guard, own },
    questions: () => world.asked.flatMap((url) => url.split('?app=').slice(1)),
    ask: async (clientId, path = '/invoices') => guard.check(requestWith(tokenOf(world, clientId), {}, path)),
  }
}

let tokens = 0
const tokenOf = (world: World, clientId: string): string =>
  world.token({ client_id: clientId, sub: clientId, jti: `token-${++tokens}` })

const policyOf = (decision: Decision): string =>
  `${decision.isAllowed ? 200 : decision.status} ${decision.headers['RateLimit-Policy']}`

test('003-20: an endpoint’s limit is each app’s own: two endpoints, two apps, two tokens of one app', async () => {
  const { ask } = limited()
  const statuses = []
  for (const [app, path] of [
    ...[
      ['app-1', '/invoices'],
      ['app-1', '/invoices'],
      ['app-1', '/invoices'],
    ],
    ...[
      ['app-1', '/bills'],
      ['app-2', '/invoices'],
    ],
  ] as const) {
    const decision = await ask(app, path)
    statuses.push(decision.isAllowed ? 200 : decision.status)
  }
  assert.deepEqual(statuses, [200, 200, 429, 200, 200])
  const refused = await ask('app-1')
  assert.deepEqual(
    [refused.headers['RateLimit-Policy'], refused.headers.RateLimit, refused.headers['Retry-After']],
    ['"app";q=2;w=60', '"app";r=0;t=60', '60'],
  )
})

test('003-20: an app’s own limit takes the place of the endpoint’s, there and nowhere else', async () => {
  const { ask, own } = limited()
  own.set('app-1', [{ api: 'rest', endpoint: 'GET /invoices', ...perMinute(9) }])
  own.set('app-2', [{ api: 'other', endpoint: 'GET /invoices', ...perMinute(9) }])
  assert.equal(policyOf(await ask('app-1')), '200 "app";q=9;w=60')
  assert.equal(policyOf(await ask('app-1', '/bills')), '200 "app";q=5;w=60')
  assert.equal(policyOf(await ask('app-2')), '200 "app";q=2;w=60')
})

test('product 2: an app is asked for once, however many requests wait for it, and is then known at once', async () => {
  const { ask, questions, guard, world } = limited()
  await ask('app-2')
  await Promise.all([ask('app-1'), ask('app-1'), ask('app-1', '/bills')])
  assert.deepEqual(questions(), ['app-2', 'app-1'])
  const request = requestWith(tokenOf(world, 'app-1'))
  await guard.check(request)
  assert.equal(guard.check(request) instanceof Promise, false)
})

test('003-20: news of an app or of all are followed, and nobody else is asked for again', async () => {
  const { ask, own, feed, questions } = limited()
  await ask('app-1')
  await ask('app-2')
  own.set('app-1', [{ api: 'rest', endpoint: 'GET /invoices', ...perMinute(9) }])
  own.set('app-2', [{ api: 'rest', endpoint: 'GET /invoices', ...perMinute(8) }])
  await feed.tell('policy', { client_id: 'app-1' })
  assert.equal(policyOf(await ask('app-1')), '200 "app";q=9;w=60')
  assert.equal(policyOf(await ask('app-2')), '200 "app";q=2;w=60')
  assert.deepEqual(questions(), ['app-1', 'app-2', 'app-1'])
  await feed.tell('policy', {})
  assert.equal(policyOf(await ask('app-2')), '200 "app";q=8;w=60')
})

for (const news of [{ client_id: 'app-1' }, {}]) {
  const whose = 'client_id' in news ? 'of an app' : 'of all'
  test(`003-20: news ${whose} that come while an app is asked for are not hidden by the old answer`, async () => {
    const { ask, world, feed, questions } = limited()
    await ask('app-2')
    const { promise, resolve } = Promise.withResolvers<Response>()
    const slow = '/oauth2/policy?app=app-1'
    const quick = world.answers.get(slow)
    world.answers.set(slow, () => promise)
    const first = ask('app-1')
    await settled()
    await feed.tell('policy', news)
    resolve(Response.json({ limits: [] }))
    await first
    if (quick) world.answers.set(slow, quick)
    await ask('app-1')
    assert.deepEqual(questions(), ['app-2', 'app-1', 'app-1'])
  })
}

test('R15: why an app’s own limits cannot be had stands in the status, until an app’s can be again', async () => {
  const { ask, own, world, guard } = limited()
  const failure = () => guard.status().policy?.failure
  own.set('app-1', null)
  assert.equal(policyOf(await ask('app-1')), '200 "app";q=2;w=60')
  // Without the query: it names the app.
  assert.equal(failure(), 'https://auth.example/acme/oauth2/policy answered 503')
  own.set('app-1', [])
  await world.advance(6)
  await ask('app-1')
  assert.equal(failure(), null)
})

test('product 8: while an app cannot be asked for, what was known of it counts, else the endpoint’s own', async () => {
  const { ask, own, feed, world, questions } = limited()
  own.set('app-1', [{ api: 'rest', endpoint: 'GET /invoices', ...perMinute(9) }])
  await ask('app-1')
  own.set('app-1', null)
  own.set('app-2', null)
  await feed.tell('policy', {})
  assert.equal(policyOf(await ask('app-1')), '200 "app";q=9;w=60')
  assert.equal(policyOf(await ask('app-2')), '200 "app";q=2;w=60')
  // Whoever does not answer is left in peace for a while: a request must not wait for it each time.
  assert.deepEqual(questions(), ['app-1', 'app-1'])
  await world.advance(5)
  await ask('app-2')
  assert.deepEqual(questions(), ['app-1', 'app-1', 'app-2'])
})

test('trust 15: at most eight questions are under way, and whoever comes then has the endpoint’s limit', async () => {
  const { ask, world, questions } = limited()
  await ask('app-0')
  const waiting = Promise.withResolvers<void>()
  for (let app = 1; app < 30; app++) {
    world.answers.set(`/oauth2/policy?app=app-${app}`, async () => {
      await waiting.promise
      return Response.json({ limits: [] })
    })
  }
  const all = Array.from({ length: 20 }, (_, index) => ask(`app-${index + 1}`))
  const last = await all.at(-1)
  assert.equal(last && policyOf(last), '200 "app";q=2;w=60')
  assert.equal(questions().length, 1 + 8)
  waiting.resolve()
  await Promise.all(all)
})

test('003-20: an API that declares its endpoints itself gets the limits of apps all the same', async () => {
  const endpoints = [
    {
      method: 'GET',
      path: '/invoices',
      scope: 'invoices/read',
      limit: { name: 'mine', requests: 7, windowSeconds: 60 },
    },
  ]
  const { ask, own } = limited({ endpoints })
  own.set('app-1', [{ api: 'rest', endpoint: 'GET /invoices', ...perMinute(9) }])
  assert.equal(policyOf(await ask('app-1')), '200 "app";q=9;w=60')
  assert.equal(policyOf(await ask('app-2')), '200 "mine";q=7;w=60')
})

test('product 8: before an issuer that cannot be reached, an API’s own endpoints and limits hold', async () => {
  const endpoints = [{ ...invoices, limit: perMinute(1) }]
  const { ask, world } = limited({ endpoints, revocation: { whenCut: 'allow' } })
  world.answers.set('/oauth2/policy', () => new Response(null, { status: 404 }))
  await settled()
  assert.equal(policyOf(await ask('app-1')), '200 "app";q=1;w=60')
  assert.equal(policyOf(await ask('app-1')), '429 "app";q=1;w=60')
})
