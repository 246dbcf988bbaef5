// 002 asks every client to use a token until it is over. Here: once for all who wait, renewed beside its use, and no more.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countedTokens, createWorld, invoices, json, refusal, settled } from './world.ts'

test('document 002: a hundred requests in a row and a hundred at once use one token', async () => {
  const { client, tokenRequests, apiRequests } = createWorld()
  await Promise.all(Array.from({ length: 100 }, () => client.fetch(invoices)))
  for (let count = 0; count < 100; count++) await client.fetch(invoices)
  assert.deepEqual([tokenRequests.length, apiRequests.length], [1, 200])
})

test('client: a token is renewed before it is over, and serves its callers meanwhile', async () => {
  const world = createWorld()
  await world.client.fetch(invoices)
  // 20 % of five minutes, three quarters of it with the chance of 0.5: 45 seconds before the end.
  world.advance(254)
  await world.client.fetch(invoices)
  assert.equal(world.tokenRequests.length, 1)
  let release = (_: Response) => {}
  world.answerToken(() => new Promise((resolve) => (release = resolve)))
  world.advance(2)
  await Promise.all(Array.from({ length: 10 }, () => world.client.fetch(invoices)))
  assert.equal(world.tokenRequests.length, 2)
  assert.deepEqual(new Set(world.tokensSeen()), new Set(['token-1']))
  release(json(200, { access_token: 'token-2', token_type: 'Bearer', expires_in: 300 }))
  await settled()
  await world.client.fetch(invoices)
  assert.equal(world.tokensSeen().at(-1), 'token-2')
})

test('client: processes that start together renew at different moments, and none in the first half of a life', async () => {
  const renewedAfter = async (chance: number, life: number) => {
    const world = createWorld({ random: () => chance })
    world.answerToken(countedTokens({ expires_in: life }))
    await world.client.token()
    let seconds = 0
    while (world.tokenRequests.length === 1) {
      world.advance(1)
      seconds++
      await world.client.token()
      await settled()
    }
    return seconds
  }
  assert.deepEqual(
    await Promise.all([0, 0.5, 0.999].map((chance) => renewedAfter(chance, 300))),
    [240, 255, 270],
  )
  assert.deepEqual(
    await Promise.all([0, 0.999].map((chance) => renewedAfter(chance, 21_600))),
    [21_300, 21_450],
  )
  assert.deepEqual(await Promise.all([0, 0.999].map((chance) => renewedAfter(chance, 10))), [8, 9])
})

test('client: a token too near its end is waited for anew, so that none arrives late', async () => {
  const world = createWorld()
  await world.client.fetch(invoices)
  world.advance(291)
  await world.client.fetch(invoices)
  assert.deepEqual(world.tokensSeen(), ['token-1', 'token-2'])
})

test('client: while the server is away a good token goes on, and the server is not asked all the time', async () => {
  const world = createWorld()
  await world.client.fetch(invoices)
  world.answerToken(() => {
    throw new TypeError('fetch failed')
  })
  world.advance(256)
  for (let count = 0; count < 50; count++) await world.client.fetch(invoices)
  assert.equal(world.tokenRequests.length, 2)
  world.advance(10)
  await world.client.fetch(invoices)
  await settled()
  assert.equal(world.tokenRequests.length, 3)
  assert.deepEqual(world.failedRenewals.length, 2)
  // In the last seconds too; past the end there is none to go on with.
  world.advance(30)
  await world.client.fetch(invoices)
  assert.deepEqual(new Set(world.tokensSeen()), new Set(['token-1']))
  world.advance(10)
  assert.equal((await refusal(world.client.fetch(invoices))).code, 'unreachable')
  world.answerToken(countedTokens())
  assert.equal((await world.client.fetch(invoices)).status, 200)
})

test('client: a failure is told to all who wait and is not kept', async () => {
  const world = createWorld()
  world.answerToken(() => json(401, { error: 'invalid_client' }))
  const all = await Promise.allSettled(Array.from({ length: 5 }, () => world.client.fetch(invoices)))
  assert.deepEqual(new Set(all.map(({ status }) => status)), new Set(['rejected']))
  assert.equal(world.tokenRequests.length, 1)
  world.answerToken(countedTokens())
  assert.equal((await world.client.fetch(invoices)).status, 200)
})

test('003-07: a token without expires_in is kept until an API refuses it', async () => {
  const world = createWorld()
  world.answerToken(countedTokens({ expires_in: undefined, token_type: 'bearer' }))
  await world.client.fetch(invoices)
  world.advance(400 * 86_400)
  await world.client.fetch(invoices)
  assert.deepEqual(world.tokensSeen(), ['token-1', 'token-1'])
  world.answerApi(
    ({ headers }) =>
      new Response(null, { status: headers.get('authorization') === 'Bearer token-2' ? 200 : 401 }),
  )
  assert.equal((await world.client.fetch(invoices)).status, 200)
})

test('client: one caller gives up, and the token comes to the others', async () => {
  const world = createWorld()
  let release = (_: Response) => {}
  world.answerToken(() => new Promise((resolve) => (release = resolve)))
  const impatient = new AbortController()
  const [first, second] = [
    world.client.fetch(invoices, { signal: impatient.signal }),
    world.client.token({ signal: new AbortController().signal }),
  ]
  const givenUp = assert.rejects(first, /had enough/)
  impatient.abort(new Error('had enough'))
  await givenUp
  while (world.tokenRequests.length === 0) await settled()
  release(json(200, { access_token: 'late', token_type: 'Bearer', expires_in: 300 }))
  assert.equal((await second).accessToken, 'late')
  await assert.rejects(
    world.client.fetch(invoices, { signal: AbortSignal.abort(new Error('at once')) }),
    /at once/,
  )
  assert.deepEqual([world.tokenRequests.length, world.apiRequests.length], [1, 0])
})

test('client: forget drops the token that it is told, and leaves its successor', async () => {
  const { client, tokenRequests } = createWorld()
  const { accessToken, tokenType, expiresAt } = await client.token()
  assert.deepEqual([accessToken, tokenType, expiresAt], ['token-1', 'Bearer', 1_800_000_300])
  client.forget('token-1')
  client.forget('token-1')
  assert.equal((await client.token()).accessToken, 'token-2')
  client.forget('token-1')
  assert.equal((await client.token()).accessToken, 'token-2')
  client.forget()
  assert.equal((await client.token()).accessToken, 'token-3')
  assert.equal(tokenRequests.length, 3)
})

test('client: a token that was under way when all was forgotten is not kept', async () => {
  const world = createWorld()
  let release = (_: Response) => {}
  world.answerToken(() => new Promise((resolve) => (release = resolve)))
  const before = world.client.token()
  while (world.tokenRequests.length === 0) await settled()
  world.client.forget()
  world.answerToken(countedTokens())
  release(json(200, { access_token: 'old', token_type: 'Bearer', expires_in: 300 }))
  assert.equal((await before).accessToken, 'old')
  assert.equal((await world.client.token()).accessToken, 'token-1')
})

test('RFC 7009 §2.1: revoke tells the server which token is over, once, and only where it has an endpoint', async () => {
  const world = createWorld()
  await world.client.revoke()
  assert.equal(world.otherRequests.length, 0)
  await world.client.token()
  await world.client.revoke()
  await world.client.revoke()
  const revocations = world.otherRequests.filter(({ method }) => method === 'POST')
  assert.deepEqual(
    revocations.map(({ url, body }) => [url, body]),
    [['https://auth.example.com/acme/oauth2/revoke', 'token=token-1']],
  )
  // Programs take it from a variable of the environment that is not there.
  const without = createWorld({ issuer: '', tokenUrl: 'https://auth.example.com/acme/oauth2/token' })
  await without.client.token()
  await without.client.revoke()
  assert.equal(without.otherRequests.length, 0)
})
