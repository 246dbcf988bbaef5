// What handlers answer with a response of the Web, with what the guard has to say beside it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryLimits } from '@sallyport/guard'
import { protect as protectHono } from '@sallyport/guard/hono'
import { protect } from '@sallyport/guard/web'
import { Hono } from 'hono'
import { boundTo, holder, proof } from './proofs.ts'
import { audience, createWorld, guardOf, requestWith } from './world.ts'

/** What runtimes answer that open a WebSocket, and no program can make. */
const switching = Object.defineProperty(new Response(null), 'status', { value: 101 })

test('RFC 9110 §15: whatever response a handler makes is answered, with the headers of a limit where it takes any', async () => {
  const world = createWorld()
  const guard = guardOf(world, { limits: { store: createMemoryLimits() } })
  const need = { endpoint: 'GET /invoices', limit: { name: 'app', requests: 50, windowSeconds: 60 } }
  const answerOf = (response: Response) => protect(guard, () => response, need)(requestWith(world.token()))
  for (const response of [
    new Response(null, { status: 204 }),
    Response.redirect('https://elsewhere.example/'),
    Response.json([]),
  ]) {
    const answer = await answerOf(response)
    assert.equal(answer.status, response.status)
    assert.match(answer.headers.get('ratelimit-policy') ?? '', /^"app"/)
  }
  // A failure of the network, as the Fetch standard has it: whoever serves makes of it what they will.
  assert.equal((await answerOf(Response.error())).type, 'error')
  assert.equal(await answerOf(switching), switching)
})

test('RFC 9449 §8.2: Hono: each answer has the headers of a limit and the next nonce, however it was made', async () => {
  const world = createWorld()
  const guard = guardOf(world, { limits: { store: createMemoryLimits() }, dpop: { nonces: true } })
  const limit = { name: 'app', requests: 50, windowSeconds: 60 }
  const app = new Hono()
  const elsewhere = await fetch('data:text/plain,of%20another%20server')
  app.use(protectHono(guard, { limit }))
  app.get('/json', (context) => context.json([]))
  app.get('/own', () => new Response('of its own'))
  app.get('/elsewhere', () => elsewhere)
  app.get('/redirect', () => Response.redirect('https://elsewhere.example/'))
  app.get('/thrown', () => {
    throw new Error('of the handler')
  })
  app.get('/other-nonce', () => new Response(null, { headers: { 'dpop-nonce': 'of the handler' } }))
  app.get('/switching', () => switching)
  app.onError(() => new Response('thrown', { status: 500 }))

  const token = world.token(boundTo(holder))
  const ask = (path: string, nonce: string) => {
    const dpop = proof(token, { htu: audience + path, nonce })
    return app.request(audience + path, { headers: { authorization: `DPoP ${token}`, dpop } })
  }
  const refused = await ask('/json', 'of nobody')
  const nonce = refused.headers.get('dpop-nonce') ?? ''
  // A minute later this nonce is still taken, and each answer names the next.
  world.now += 60
  for (const [path, status] of [
    ['/json', 200],
    ['/own', 200],
    ['/elsewhere', 200],
    ['/redirect', 302],
    ['/thrown', 500],
    ['/nowhere', 404],
  ] as const) {
    const answer = await ask(path, nonce)
    assert.equal(answer.status, status, path)
    assert.match(answer.headers.get('ratelimit-policy') ?? '', /^"app"/, path)
    assert.match(answer.headers.get('ratelimit') ?? '', /^"app"/, path)
    assert.notEqual(answer.headers.get('dpop-nonce') ?? nonce, nonce, path)
  }
  assert.equal((await ask('/other-nonce', nonce)).headers.get('dpop-nonce'), 'of the handler')
  assert.equal((await ask('/switching', nonce)).status, 101)
})
