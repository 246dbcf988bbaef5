// Tokens that are bound to a key: a proof with every request, and the nonces that both servers ask for.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { claimsOf, countedTokens, createWorld, invoices, json, refusal, tokenUrl } from './world.ts'

const bound = () => countedTokens({ token_type: 'DPoP' })

const nonceOf = ({ headers }: { headers: Headers }) => claimsOf(headers.get('dpop')).nonce

const askForNonce = (nonce: string) =>
  new Response(null, {
    status: 401,
    headers: { 'WWW-Authenticate': 'DPoP error="use_dpop_nonce"', 'DPoP-Nonce': nonce },
  })

test('RFC 9449 §4.2, §7.1: each request has a proof of its own for its method, URL and token', async () => {
  const world = createWorld({ dpop: true })
  world.answerToken(bound())
  await world.client.fetch(`${invoices}?page=2`, { method: 'POST', body: 'x' })
  await world.client.fetch(invoices)
  const [first, second] = world.apiRequests
  assert.equal(first?.headers.get('authorization'), 'DPoP token-1')
  const { htm, htu, ath, iat, jti } = claimsOf(first?.headers.get('dpop') ?? null)
  const expected = createHash('sha256').update('token-1').digest('base64url')
  assert.deepEqual([htm, htu, ath, iat], ['POST', invoices, expected, 1_800_000_000])
  assert.notEqual(jti, claimsOf(second?.headers.get('dpop') ?? null).jti)
  const asked = claimsOf(world.tokenRequests[0]?.headers.get('dpop') ?? null)
  assert.deepEqual([asked.htm, asked.htu, asked.ath], ['POST', tokenUrl, undefined])
})

test('RFC 9449 §8, §9: each server’s nonce is learned by one refusal, kept apart from the other’s, and followed', async () => {
  const world = createWorld({ dpop: true })
  const tokens = bound()
  world.answerToken((asked) =>
    nonceOf(asked) === 'as-1'
      ? tokens(asked)
      : json(400, { error: 'use_dpop_nonce' }, { 'DPoP-Nonce': 'as-1' }),
  )
  let [wanted, offered] = ['api-1', 'api-1']
  world.answerApi((asked) =>
    nonceOf(asked) === wanted
      ? new Response('fine', { headers: { 'DPoP-Nonce': offered } })
      : askForNonce(wanted),
  )
  const ask = async () =>
    assert.equal((await world.client.fetch(invoices, { method: 'POST', body: 'x' })).status, 200)
  await ask()
  assert.deepEqual(world.tokenRequests.map(nonceOf), [undefined, 'as-1'])
  assert.deepEqual(world.apiRequests.map(nonceOf), [undefined, 'api-1'])
  offered = 'api-2'
  await ask()
  wanted = 'api-2'
  await ask()
  assert.deepEqual(world.apiRequests.map(nonceOf), [undefined, 'api-1', 'api-1', 'api-2'])
  assert.equal(world.tokenRequests.length, 2)
})

test('client: servers that never like a nonce are asked twice and no more, and the token is not blamed', async () => {
  const world = createWorld({ dpop: true })
  let nonces = 0
  world.answerToken(() => json(400, { error: 'use_dpop_nonce' }, { 'DPoP-Nonce': `${nonces++}` }))
  assert.equal((await refusal(world.client.token())).code, 'use_dpop_nonce')
  assert.equal(world.tokenRequests.length, 2)
  world.answerToken(bound())
  world.answerApi(() => askForNonce(`${nonces++}`))
  await world.client.token()
  assert.equal((await world.client.fetch(invoices)).status, 401)
  assert.deepEqual([world.tokenRequests.length, world.apiRequests.length], [3, 2])
})

test('RFC 9449 §5: a token that is not bound is not taken for one that is', async () => {
  const world = createWorld({ dpop: true })
  assert.equal((await refusal(world.client.fetch(invoices))).code, 'token_not_bound')
  assert.equal(world.apiRequests.length, 0)
})

test('client: the key is one for the life of the client, and can be the caller’s', async () => {
  const jwkOf = (proof: string | null) => JSON.parse(atob(proof?.split('.')[0] ?? '')).jwk
  const world = createWorld({ dpop: true })
  world.answerToken(bound())
  await world.client.fetch(invoices)
  world.client.forget()
  await world.client.fetch(invoices)
  const proofs = [...world.tokenRequests, ...world.apiRequests].map(({ headers }) =>
    jwkOf(headers.get('dpop')),
  )
  assert.equal(new Set(proofs.map(({ x }) => x)).size, 1)
  assert.equal(proofs[0].d, undefined)
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, [
    'sign',
    'verify',
  ])
  const own = createWorld({ dpop: pair })
  own.answerToken(bound())
  await own.client.fetch(invoices)
  const { x } = await crypto.subtle.exportKey('jwk', pair.publicKey)
  assert.equal(jwkOf(own.apiRequests[0]?.headers.get('dpop') ?? null).x, x)
})
