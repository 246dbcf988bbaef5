// What requests are counted by, in the routers themselves: no spelling and no value of a client opens a bucket of its own.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createMemoryLimits, type Guard, type GuardOptions, GuardOptionsError } from '@sallyport/guard'
import { protect as protectExpress } from '@sallyport/guard/express'
import { protect as protectFastify } from '@sallyport/guard/fastify'
import { protect as protectHono } from '@sallyport/guard/hono'
import { protect as protectWeb } from '@sallyport/guard/web'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { createFeed } from '../policy/feed.ts'
import { audience, createWorld, guardOf, type World } from '../world.ts'
import { asking, overWeb, type Serve } from './asked.ts'

const scope = 'invoices/read'
const perMinute = (requests: number) => ({ name: 'app', requests, windowSeconds: 60 })

function counting(t: TestContext, world: World, options: Partial<GuardOptions> = {}): Guard {
  const limits = { store: createMemoryLimits({ elapsed: () => world.now * 1_000 }) }
  const guard = guardOf(world, { limits, ...options })
  t.after(() => guard.close())
  return guard
}

/** The issuer declares both endpoints, and one of them otherwise for this app; the API says neither. */
function declared(t: TestContext, world: World): Guard {
  createFeed(world)
  const at = (path: string) => ({ method: 'GET', path, scope, limit: { requests: 3, window_seconds: 60 } })
  const endpoints = [at('/invoices'), at('/invoices/{invoice}')]
  const own = [{ api: 'rest', endpoint: 'GET /invoices/{invoice}', requests: 2, window_seconds: 60 }]
  world.answers.set('/oauth2/policy', () => Response.json({ apis: [{ api: 'rest', audience, endpoints }] }))
  world.answers.set('/oauth2/policy?app=app-1', () => Response.json({ limits: own }))
  return counting(t, world, { credentials: { id: 'api', secret: 'secret' } })
}

const said = { scope }

/** An API with both routes, each protected on its own. */
const routers: Readonly<Record<string, (guard: Guard) => Serve | Promise<Serve>>> = {
  Express: (guard) =>
    express()
      .get('/invoices', protectExpress(guard, said), (_request, response) => void response.end())
      .get('/invoices/:id', protectExpress(guard, said), (_request, response) => void response.end()),
  'Express, with a router at /invoices'(guard) {
    const router = express.Router()
    router.get('/', protectExpress(guard, said), (_request, response) => void response.end())
    router.get('/:id', protectExpress(guard, said), (_request, response) => void response.end())
    return express().use('/invoices', router)
  },
  async Fastify(guard) {
    const app = fastify()
    app.get('/invoices', { onRequest: protectFastify(guard, said) }, async () => '')
    app.get('/invoices/:id', { onRequest: protectFastify(guard, said) }, async () => '')
    await app.ready()
    return (request, response) => app.routing(request, response)
  },
  Hono(guard) {
    const app = new Hono()
    app.get('/invoices', protectHono(guard, said), (context) => context.text(''))
    app.get('/invoices/:id', protectHono(guard, said), (context) => context.text(''))
    return overWeb((request) => app.fetch(request))
  },
  'handlers of Web requests'(guard) {
    const handle = protectWeb(guard, () => new Response(''), said)
    return overWeb(handle)
  },
}

for (const [name, serve] of Object.entries(routers)) {
  test(`003-20: ${name}: a limit that the issuer declares counts HEAD, parameters and routers like the rest`, async (t) => {
    const world = createWorld()
    const ask = await asking(t, world, await serve(declared(t, world)))
    const list = ['GET /invoices', 'HEAD /invoices', 'GET /invoices?page=2', 'HEAD /invoices']
    assert.deepEqual(await ask(...list), [200, 200, 200, 429])
    const one = ['GET /invoices/7', 'HEAD /invoices/8', 'GET /invoices/9']
    assert.deepEqual(await ask(...one), [200, 200, 429])
  })

  test(`003-20: ${name}: no spelling of a path leads past a limit that the issuer declares`, async (t) => {
    const world = createWorld()
    const ask = await asking(t, world, await serve(declared(t, world)))
    assert.deepEqual(await ask(...Array(4).fill('GET /invoices')), [200, 200, 200, 429])
    assert.deepEqual(await ask(...Array(3).fill('GET /invoices/7')), [200, 200, 429])
    const others = [
      '/INVOICES',
      '/invoices/',
      '/Invoices/7',
      '/invoices/7/',
      '/invoices/a%2fb',
      '/%69nvoices',
    ]
    for (const path of others) {
      const [status = 0] = await ask(`GET ${path}`)
      assert.ok([400, 404, 429].includes(status), `${path} ${status}`)
    }
  })
}

test('003-20: Express: what the router takes for the same path is counted with it, and let in as before', async (t) => {
  const world = createWorld()
  const serve = routers['Express, with a router at /invoices']
  assert.ok(serve)
  const ask = await asking(t, world, await serve(declared(t, world)))
  const spellings = ['GET /INVOICES', 'HEAD /invoices/', 'GET /invoices', 'GET /Invoices', 'GET /invoices']
  assert.deepEqual(await ask(...spellings), [200, 200, 200, 429, 429])
})

test('003-20: Express: neither the spelling of a mount path nor the value of its parameter opens a new bucket', async (t) => {
  const world = createWorld()
  const needed = { scope, limit: perMinute(2) }
  const guard = counting(t, world)
  const router = express.Router({ mergeParams: true })
  router.get('/invoices', protectExpress(guard, needed), (_request, response) => void response.end())
  router.get('/bills', protectExpress(guard, needed), (_request, response) => void response.end())
  const app = express()
    .use('/v1', router)
    .use('/c/:customer', router)
    .use(/^\/x.*?(?=\/)/, router)
  app.get('/bills', protectExpress(guard, needed), (_request, response) => void response.end())
  const ask = await asking(t, world, app)
  assert.deepEqual(await ask('GET /v1/invoices', 'HEAD /v1/invoices', 'GET /V1/invoices'), [200, 200, 429])
  const others = ['/c/1/invoices', '/c/2/invoices', '/C/2/INVOICES', '/x1/invoices', '/x2/invoices/']
  for (const path of others) assert.deepEqual(await ask(`GET ${path}`), [429], path)
  const bills = ['GET /v1/bills', 'GET /v1/bills', 'GET /v1/bills', 'GET /bills']
  assert.deepEqual(await ask(...bills), [200, 200, 429, 200])
})

test('003-20: Express: lists and expressions are endpoints of their own, and `endpoint` parts what a router joins', async (t) => {
  const world = createWorld()
  const guard = counting(t, world)
  const needed = { scope, limit: perMinute(1) }
  const app = express()
  for (const path of [['/a1', '/a2'], ['/b1', '/b2'], /^\/c\d$/, /^\/d\d$/])
    app.get(path, protectExpress(guard, needed), (_request, response) => void response.end())
  for (const version of ['v1', 'v2']) {
    const router = express.Router()
    const endpoint = `GET /${version}`
    router.get(
      '/',
      protectExpress(guard, { ...needed, endpoint }),
      (_request, response) => void response.end(),
    )
    app.use(`/${version}`, router)
  }
  const ask = await asking(t, world, app)
  assert.deepEqual(await ask('GET /a1', 'GET /b1', 'GET /c1', 'GET /d1'), [200, 200, 200, 200])
  assert.deepEqual(await ask('GET /a2', 'GET /b2', 'GET /c2', 'GET /d2'), [429, 429, 429, 429])
  assert.deepEqual(await ask('GET /v1', 'GET /v2', 'GET /v1', 'GET /v2'), [200, 200, 429, 429])
})

test('003-20: Hono: methods of a client’s own making share one bucket, and so do all paths of one pattern', async (t) => {
  const world = createWorld()
  const guard = counting(t, world)
  const needed = { scope, limit: perMinute(1) }
  const app = new Hono()
  app.use('/star/*', protectHono(guard, needed)).all('/star/*', (context) => context.text(''))
  app.get('/:id{[0-9]+}', protectHono(guard, needed), (context) => context.text(''))
  app.get('/:name{[a-z]+}', protectHono(guard, needed), (context) => context.text(''))
  const statusOf = async (method: string, path: string) => {
    const headers = { authorization: `Bearer ${world.token()}` }
    return (await app.fetch(new Request(`${audience}${path}`, { method, headers }))).status
  }
  assert.deepEqual([await statusOf('GET', '/star/a'), await statusOf('HEAD', '/star/b')], [200, 429])
  assert.deepEqual([await statusOf('X1', '/star/a'), await statusOf('X2', '/star/a')], [200, 429])
  assert.deepEqual([await statusOf('GET', '/7'), await statusOf('GET', '/a')], [200, 200])
  assert.deepEqual([await statusOf('GET', '/8'), await statusOf('GET', '/b')], [429, 429])
})

const wide = { scope, limit: perMinute(1) }

/** An API with one guard before all of its routes. */
const guardedWhole: Readonly<Record<string, (guard: Guard) => Serve | Promise<Serve>>> = {
  async Fastify(guard) {
    const app = fastify()
    app.addHook('onRequest', protectFastify(guard, wide))
    app.get('/invoices', async () => '')
    app.get('/invoices/:id', async () => '')
    await app.ready()
    return (request, response) => app.routing(request, response)
  },
  Hono(guard) {
    const app = new Hono()
    app.use(protectHono(guard, wide))
    app.get('*', async (_context, next) => next())
    app.get('/invoices', (context) => context.text(''))
    app.get('/invoices/:id', (context) => context.text(''))
    app.get('*', (context) => context.text('', 404))
    return overWeb((request) => app.fetch(request))
  },
  'Hono, with routes mounted below'(guard) {
    const app = new Hono().use('/*', protectHono(guard, wide))
    const invoices = new Hono()
    invoices.all('/', (context) => context.text(''))
    invoices.use('/:id', async (_context, next) => next()).get('/:id', (context) => context.text(''))
    app.route('/invoices', invoices)
    return overWeb((request) => app.fetch(request))
  },
}

for (const [name, serve] of Object.entries(guardedWhole)) {
  test(`issue 6, 3: ${name}: under one guard for all routes each endpoint has its own bucket, and unknown paths take from none`, async (t) => {
    const world = createWorld()
    const ask = await asking(t, world, await serve(counting(t, world)))
    assert.deepEqual(await ask('GET /nowhere', 'GET /elsewhere'), [404, 429])
    assert.deepEqual(await ask('GET /invoices', 'GET /invoices/7'), [200, 200])
    assert.deepEqual(await ask('HEAD /invoices', 'GET /invoices/8'), [429, 429])
  })
}

test('issue 6, 3: Hono: a guard before patterns counts by the longest, and one of a route by the route', async (t) => {
  const world = createWorld()
  const guard = counting(t, world)
  const app = new Hono()
  app.use('/files/*', protectHono(guard, wide)).use('/pages/*', protectHono(guard, wide))
  app.get('/all/*', protectHono(guard, wide), (context) => context.text(''))
  app.all('/any/:id', protectHono(guard, wide), (context) => context.text(''))
  app.all('/any/:other', (context) => context.text(''))
  app.get('/all/:name', (context) => context.text(''))
  app.get('*', (context) => context.text(''))
  const ask = await asking(
    t,
    world,
    overWeb((request) => app.fetch(request)),
  )
  assert.deepEqual(await ask('GET /files/a', 'GET /pages/a', 'GET /files/b'), [200, 200, 429])
  assert.deepEqual(await ask('GET /all/a', 'GET /all/a/b', 'GET /any/1', 'GET /any/2'), [200, 429, 200, 429])
})

test('issue 6, 3: Express: a limit where no route is known yet lets nobody in, and says what to do', async (t) => {
  const world = createWorld()
  const wrong = async (guard: Guard, needed: object) => {
    const { promise: failed, resolve } = Promise.withResolvers<unknown>()
    const app = express().use(protectExpress(guard, needed))
    app.get('/invoices', (_request, response) => void response.end())
    app.use(((error, _request, response, _next) => {
      resolve(error)
      response.status(500).end()
    }) satisfies express.ErrorRequestHandler)
    const [status] = await (await asking(t, world, app))('GET /invoices')
    return status === 500 ? await failed : status
  }
  const own = { limits: { store: createMemoryLimits(), limitOf: () => perMinute(1) } }
  const errors = [await wrong(counting(t, world), wide), await wrong(counting(t, world, own), said)]
  for (const error of errors) {
    assert.ok(error instanceof GuardOptionsError)
    assert.match(error.message, /name `endpoint`, give createGuard `endpoints`, or protect each route/)
  }
  const endpoints = [{ method: 'GET', path: '/invoices' }]
  const right = [
    [counting(t, world), { ...wide, endpoint: 'GET /invoices' }],
    [counting(t, world, { endpoints }), wide],
    [counting(t, world), said],
  ] as const
  for (const [guard, needed] of right) assert.equal(await wrong(guard, needed), 200)
})

test('003-20: handlers of Web requests are counted by what they are called', async (t) => {
  const world = createWorld()
  const guard = counting(t, world)
  const handle = (endpoint: string) =>
    protectWeb(guard, () => new Response(''), { scope, limit: perMinute(1), endpoint })
  const ask = async (handler: (request: Request) => Promise<Response>) =>
    (await handler(new Request(audience, { headers: { authorization: `Bearer ${world.token()}` } }))).status
  const [one, other] = [handle('GET /a'), handle('GET /b/{id}')]
  assert.deepEqual([await ask(one), await ask(other), await ask(one)], [200, 200, 429])
  assert.equal(await ask(handle('get /b/:x/')), 429)
})
