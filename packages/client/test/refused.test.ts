// What happens when an API answers 401: at most one repetition, at most one new token, and never a loop.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createWorld, invoices, type World } from './world.ts'

const refuse =
  (...tokens: string[]) =>
  ({ headers }: { headers: Headers }) =>
    tokens.includes(headers.get('authorization')?.slice('Bearer '.length) ?? '')
      ? new Response('no', { status: 401, headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' } })
      : new Response('fine')

const refuseAll = () => new Response('no', { status: 401 })

/** One that has been used before. */
async function worldWithToken(): Promise<World> {
  const world = createWorld()
  await world.client.fetch(invoices)
  return world
}

test('RFC 6750 §3.1: a kept token that is refused is replaced, and the request goes out once more', async () => {
  const world = await worldWithToken()
  world.answerApi(refuse('token-1'))
  const body = new URLSearchParams({ amount: '7' })
  const response = await world.client.fetch(invoices, { method: 'POST', body })
  assert.equal(await response.text(), 'fine')
  assert.deepEqual(world.tokensSeen(), ['token-1', 'token-1', 'token-2'])
  const [, first, second] = world.apiRequests
  assert.deepEqual([first?.body, first?.method], ['amount=7', 'POST'])
  assert.deepEqual([second?.body, second?.method], ['amount=7', 'POST'])
})

test('client: a hundred refusals at once cause one token request', async () => {
  const world = await worldWithToken()
  world.answerApi(refuse('token-1'))
  const all = await Promise.all(Array.from({ length: 100 }, () => world.client.fetch(invoices)))
  assert.ok(all.every(({ ok }) => ok))
  assert.equal(world.tokenRequests.length, 2)
})

test('client: a refusal that comes late finds the successor there, and asks for none', async () => {
  const world = await worldWithToken()
  let refuseLate = (_: Response) => {}
  world.answerApi(() => new Promise((resolve) => (refuseLate = resolve)))
  const late = world.client.fetch(invoices)
  while (world.apiRequests.length < 2) await new Promise((resolve) => setImmediate(resolve))
  world.answerApi(refuse('token-1'))
  await world.client.fetch(invoices)
  refuseLate(new Response(null, { status: 401 }))
  assert.equal((await late).status, 200)
  assert.equal(world.tokenRequests.length, 2)
})

test('client: an API that refuses every token gets one request more, and then each as often as it is asked', async () => {
  const world = await worldWithToken()
  world.answerApi(refuseAll)
  const all = await Promise.all(Array.from({ length: 20 }, () => world.client.fetch(invoices)))
  assert.ok(all.every(({ status }) => status === 401))
  for (let count = 0; count < 20; count++) await world.client.fetch(invoices)
  assert.deepEqual([world.tokenRequests.length, world.apiRequests.length], [2, 61])
  world.advance(10)
  await world.client.fetch(invoices)
  assert.deepEqual([world.tokenRequests.length, world.apiRequests.length], [3, 63])
})

test('client: a token that was asked for just now is not replaced when it is refused', async () => {
  const world = createWorld()
  world.answerApi(refuseAll)
  const response = await world.client.fetch(invoices)
  assert.deepEqual([response.status, await response.text()], [401, 'no'])
  assert.deepEqual([world.tokenRequests.length, world.apiRequests.length], [1, 1])
})

test('trust R17: a clock that is set back does not hold up the next token', async () => {
  const world = createWorld()
  world.answerApi(refuseAll)
  await world.client.fetch(invoices)
  assert.equal(world.tokenRequests.length, 1)
  world.advance(-7_200)
  world.answerApi(refuse('token-1'))
  assert.equal((await world.client.fetch(invoices)).status, 200)
  assert.equal(world.tokenRequests.length, 2)
})

test('client: a body that is a stream is not sent again, and the next request has a new token', async () => {
  const streams = [
    new Request(invoices, { method: 'POST', body: 'x' }),
    { method: 'POST', body: new Blob(['x']).stream(), duplex: 'half' },
  ] as const
  for (const stream of streams) {
    const world = await worldWithToken()
    world.answerApi(refuse('token-1'))
    const sent = stream instanceof Request ? world.client.fetch(stream) : world.client.fetch(invoices, stream)
    assert.equal((await sent).status, 401)
    assert.equal(world.apiRequests.length, 2)
    assert.equal(world.apiRequests[1]?.body, 'x')
    assert.equal((await world.client.fetch(invoices)).status, 200)
    assert.deepEqual(world.tokensSeen(), ['token-1', 'token-1', 'token-2'])
  }
})

test('client: any other status is the caller’s, and nothing is sent again', async () => {
  for (const status of [400, 403, 404, 429, 500, 503]) {
    const world = await worldWithToken()
    world.answerApi(() => new Response(null, { status, headers: { 'Retry-After': '1' } }))
    assert.equal((await world.client.fetch(invoices)).status, status)
    assert.deepEqual([world.tokenRequests.length, world.apiRequests.length], [1, 2])
  }
})

test('client: if there is no new token, the caller hears why', async () => {
  const world = await worldWithToken()
  world.answerApi(refuseAll)
  world.answerToken(() => Response.json({ error: 'invalid_client' }, { status: 401 }))
  await assert.rejects(world.client.fetch(invoices), { code: 'invalid_client' })
})
