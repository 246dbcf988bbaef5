// What an API has set up is held to: scopes beside a table, words, limits and names that a header cannot hold.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryLimits } from '@sallyport/guard'
import { accessOf, protect } from '@sallyport/guard/hono'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { createWorld, guardOf, requestWith, settled, standardClaims } from './world.ts'

test('trust 179: a scope that a route names beside the table is needed as well', async () => {
  const world = createWorld()
  const endpoints = [
    { method: 'GET', path: '/invoices' },
    { method: 'GET', path: '/health', isPublic: true },
  ]
  const guard = guardOf(world, { endpoints })
  assert.ok((await guard.check(requestWith(world.token()), { scope: 'invoices/read' })).isAllowed)
  for (const [path, token] of [
    ['/invoices', world.token()],
    ['/health', world.token()],
    ['/health', null],
  ] as const)
    assert.ok(!(await guard.check(requestWith(token, {}, path), { scope: 'admin' })).isAllowed, path)
})

test('RFC 9110 §5.5: no audience makes a challenge that cannot be sent, or another one', async () => {
  const world = createWorld()
  const names = ['a", error="none', 'a\\', 'a\r\nSet-Cookie: x=1', 'schlüssel', '€', '\u0000']
  // A scope cannot: one that is none is refused where an API says it, and in the issuer's policy.
  const endpoint = { method: 'GET', path: '/invoices', scope: 'needed' }
  for (const name of names) {
    world.answers.set('/oauth2/policy', () =>
      Response.json({ apis: [{ api: 'rest', audience: name, endpoints: [endpoint] }] }),
    )
    const guard = guardOf(world, {
      ...{ audience: name, resource: 'https://api.example', endpoints: 'issuer' },
      ...{ credentials: { id: 'api', secret: 'secret' }, revocation: { whenCut: 'allow' } },
    })
    for (const [request, reason] of [
      [requestWith(null), 'no_credentials'],
      [requestWith(world.token({ aud: name })), 'insufficient_scope'],
    ] as const) {
      const decision = await guard.check(request)
      assert.ok(!decision.isAllowed)
      assert.equal(decision.reason, reason)
      const challenge = decision.toResponse().headers.get('www-authenticate') ?? ''
      assert.match(challenge, /^Bearer realm="(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\.)*"(?:, |$)/)
      assert.doesNotMatch(challenge, /[^\\]", error="none/)
      assert.equal(decision.toResponse().headers.get('set-cookie'), null)
    }
    guard.close()
  }
})

test('issue 6, 1: words that are none, a nonce key that can be guessed and limits that are none are said at the start', () => {
  const world = createWorld()
  const endpoints = [{ method: 'GET', path: '/a', limit: { request: 10, windowSeconds: 60 } }]
  const wrong = [
    [{ senderConstraint: 'mTLS' }, /senderConstraint must be none or dpop or mtls or any/],
    [{ unlisted: 'allow' }, /unlisted must be refuse or authenticate/],
    [{ introspect: 'never', credentials: { id: 'a', secret: 'b' } }, /introspect must be opaque or always/],
    [{ dpop: { nonces: '' } }, /dpop\.nonces must be/],
    [{ dpop: { nonces: 'guess' } }, /dpop\.nonces must be/],
    [{ endpoints, limits: { store: createMemoryLimits() } }, /the limit of GET \/a is none/],
  ] as const
  for (const [options, message] of wrong) assert.throws(() => guardOf(world, options as object), message)
})

test('trust 37: what one request writes into who calls, the next with the same token does not see', async () => {
  const world = createWorld()
  const guard = guardOf(world)
  const token = world.token()
  for (let index = 0; index < 3; index++) {
    const decision = await guard.check(requestWith(token))
    assert.ok(decision.isAllowed)
    const access = decision.access as unknown as {
      clientId: string
      scopes: string[]
      claims: { exp: number }
    }
    assert.equal(access.clientId, 'app-1')
    assert.throws(() => access.scopes.push('admin'), TypeError)
    assert.throws(() => {
      access.claims.exp = 9e9
    }, TypeError)
    assert.throws(() => {
      access.clientId = 'another'
    }, TypeError)
  }
})

test('trust 37: what one request writes into a list or an object within the claims, the next does not see', async () => {
  const world = createWorld()
  const nested = { roles: ['reader'], realm_access: { teams: [{ name: 'sales' }] } }
  const credentials = { id: 'api', secret: 'secret' }
  world.answers.set('/oauth2/introspect', () => Response.json({ active: true, ...standardClaims, ...nested }))
  const asking = { credentials, introspect: 'opaque', revocation: { whenCut: 'allow' } } as const
  for (const [guard, token] of [
    [guardOf(world), world.token(nested)],
    [guardOf(world, asking), 'opaque'],
  ] as const) {
    // The first two wait for one answer.
    const both = await Promise.all([guard.check(requestWith(token)), guard.check(requestWith(token))])
    for (const decision of [...both, await guard.check(requestWith(token))]) {
      assert.ok(decision.isAllowed)
      const claims = decision.access?.claims as unknown as typeof nested
      assert.deepEqual([claims.roles, claims.realm_access], [nested.roles, nested.realm_access])
      assert.throws(() => claims.roles.push('admin'), TypeError)
      assert.throws(() => claims.realm_access.teams.push({ name: 'board' }), TypeError)
      assert.throws(() => Object.assign(claims.realm_access.teams[0] ?? {}, { name: 'board' }), TypeError)
    }
    guard.close()
  }
})

test('R15: a listener of the API that throws does not end following', async (t) => {
  const world = createWorld()
  const thrown: unknown[] = []
  const keep = (error: unknown) => void thrown.push(error)
  const before = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', keep)
  t.after(() => {
    process.off('unhandledRejection', keep)
    for (const one of before) process.on('unhandledRejection', one)
  })
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode('event: ready\ndata: {}\n\n')),
  })
  world.answers.set('/oauth2/revocations', () => new Response(body))
  const guard = guardOf(world, {
    credentials: { id: 'api', secret: 'secret' },
    onRevocationState: () => {
      throw new Error('the log is full')
    },
  })
  await settled()
  assert.ok((await guard.check(requestWith(world.token()))).isAllowed)
  assert.equal(guard.status().revocations.isConnected, true)
  assert.ok(thrown.length > 0)
  guard.close()
})

test('RFC 9110 §9.3.2: before Hono a HEAD needs what the GET needs that will answer it', async () => {
  const world = createWorld()
  const endpoints = [
    { method: 'GET', path: '/invoices', scope: 'admin' },
    { method: 'HEAD', path: '/invoices', scope: 'invoices/read' },
  ]
  const app = new Hono()
  app.use(protect(guardOf(world, { endpoints })))
  app.get('/invoices', (context) => context.text('all of it'))
  const response = await app.fetch(requestWith(world.token(), { method: 'HEAD' }))
  assert.equal(response.status, 403)
})

test('issue 6, 1: in Hono who calls is known of the context, also where a middleware has replaced the request', async () => {
  const world = createWorld()
  const app = new Hono()
  const need = { scope: 'invoices/read' }
  app.post('/invoices', protect(guardOf(world), need), bodyLimit({ maxSize: 1_000 }), async (context) =>
    context.json({ client: accessOf(context)?.clientId, body: await context.req.text() }),
  )
  app.get('/invoices', protect(guardOf(world), need), (context) =>
    context.json({ client: accessOf(context.req.raw)?.clientId }),
  )
  app.get('/open', (context) => context.json({ client: accessOf(context)?.clientId }))
  app.onError((error, context) => context.text(error.message, 500))
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('a chunk'))
      controller.close()
    },
  })
  const headers = { 'transfer-encoding': 'chunked' }
  const init = { method: 'POST', body, headers, duplex: 'half' } as const
  const posted = await app.fetch(requestWith(world.token(), init))
  assert.deepEqual(await posted.json(), { client: 'app-1', body: 'a chunk' })
  assert.deepEqual(await (await app.fetch(requestWith(world.token()))).json(), { client: 'app-1' })
  assert.match(await (await app.fetch(requestWith(null, {}, '/open'))).text(), /No guard has let/)
})
