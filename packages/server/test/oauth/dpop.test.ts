// trust.md part 2 E at the token endpoint: a DPoP proof binds the token to its key, once, for this request alone.
import assert from 'node:assert/strict'
import { constants, generateKeyPairSync, sign as signBytes } from 'node:crypto'
import { test } from 'node:test'
import { calculateJwkThumbprint, exportJWK } from 'jose'
import { forEachStore, oneStore, startTestServer } from '../harness.ts'
import { assertError, assertInvalidClient, assertToken, assertUncached } from './answers.ts'
import { app, blueprint, restApi, tenant } from './sample.ts'
import {
  claimsOf,
  freshId,
  type Key,
  type Members,
  makeKey,
  proof,
  proofClaims,
  reasonOf,
  tokenUrl,
} from './signed.ts'

async function start(
  t: Parameters<typeof startTestServer>[0],
  suite = oneStore,
  more: Members = {},
  apps = [app('sync')],
) {
  const server = await startTestServer(t, suite, blueprint(tenant('acme', apps, more)))
  const key = await makeKey()
  const send = (...dpop: string[]) => server.token('acme', { basic: server.credential('acme', 'sync'), dpop })
  const good = (changes: Members = {}, header: Members = {}, by: Key = key) =>
    proof(by, server.clock(), changes, header)
  return { server, key, send, good }
}

forEachStore((_engine, suite) => {
  test('RFC 9449 §5: a proof makes a token of type DPoP that names the key', async (t) => {
    const { server, key, send, good } = await start(t, suite)
    const reply = await send(await good())
    assertToken(reply)
    assert.equal(reply.json.token_type, 'DPoP')
    assert.deepEqual(claimsOf(reply).cnf, { jkt: await calculateJwkThumbprint(key.publicJwk, 'sha256') })
    const bearer = await server.token('acme', { basic: server.credential('acme', 'sync') })
    assert.equal(bearer.json.token_type, 'Bearer')
    assert.equal(claimsOf(bearer).cnf, undefined)
    for (const algorithm of ['EdDSA', 'PS256', 'ES384'] as const) {
      assertToken(await send(await good({}, {}, await makeKey(algorithm))))
    }
  })

  test('trust 94-95: a proof counts once, also of fifty at once', async (t) => {
    const { send, good, server } = await start(t, suite)
    const one = await good()
    const replies = await Promise.all(Array.from({ length: 50 }, () => send(one)))
    assert.equal(replies.filter(({ status }) => status === 200).length, 1)
    assertError(await send(one), 'invalid_dpop_proof')
    assert.equal(reasonOf(server), 'proof used before')
    // Another key may have thought of the same jti.
    const jti = freshId()
    assertToken(await send(await good({ jti })))
    assertToken(await send(await good({ jti }, {}, await makeKey())))
    assertError(await send(await good({ jti })), 'invalid_dpop_proof')
  })
})

test('trust 87-92: a proof is one header, of the right type, with a public key, for this method and URL', async (t) => {
  const { send, good, key } = await start(t)
  const { d } = await exportJWK(key.privateKey)
  const bad = [
    [await good(), await good()],
    ['x'],
    [''],
    [await good({}, { typ: 'JWT' })],
    [await good({}, { typ: undefined })],
    [await good({}, { jwk: { ...key.publicJwk, d } })],
    [await good({}, { jwk: { kty: 'oct', k: 'AAAA' } })],
    [await good({}, { jwk: undefined })],
    [await good({}, { jwk: (await makeKey()).publicJwk })],
    [await good({ htm: 'GET' })],
    [await good({ htm: 'post' })],
    [await good({ htm: undefined })],
    [await good({ htu: 'https://evil.example/acme/oauth2/token' })],
    [await good({ htu: 'http://localhost:8443/acme/oauth2/token' })],
    [await good({ htu: 'https://localhost:8443/other/oauth2/token' })],
    [await good({ htu: '/acme/oauth2/token' })],
    [await good({ htu: undefined })],
    [await good({ jti: undefined })],
    [await good({ jti: '' })],
    [await good({ jti: 'x'.repeat(257) })],
    [`${(await good()).slice(0, -3)}AAA`],
    [(await good({}, {}, await makeKey('RS256'))) as string],
  ]
  for (const headers of bad) assertError(await send(...headers), 'invalid_dpop_proof')
  assertToken(await send(await good({}, { typ: 'DPoP+JWT' })))
  // RFC 9449 §4.3: query and fragment do not count, nor does spelling that RFC 3986 §6.2 calls equal.
  assertToken(await send(await good({ htu: `${tokenUrl}?x=1#y` })))
  assertToken(await send(await good({ htu: 'HTTPS://LOCALHOST:8443/%61cme/./oauth2/token' })))
})

test('RFC 9449 §5, RFC 6749 §5.2: whoever made a proof is told what is wrong with it', async (t) => {
  const { server, send, good, key } = await start(t)
  const now = server.clock()
  const { d } = await exportJWK(key.privateKey)
  const used = await good()
  assertToken(await send(used))
  const table: readonly (readonly [proofs: readonly string[], description: RegExp])[] = [
    [[await good(), await good()], /^Send one DPoP header; /],
    [['x'], /one signed JWT/],
    [[await good({}, { typ: 'JWT' })], /^The typ .* dpop\+jwt\.$/],
    [[await good({}, {}, await makeKey('RS256'))], /an algorithm that is taken here/],
    [[await good({}, { jwk: { ...key.publicJwk, d } })], /^The jwk .*: a private or symmetric key; /],
    [[await good({}, { jwk: (await makeKey('EdDSA')).publicJwk })], /^The alg .* of the key in its jwk/],
    [[await good({ htm: 'GET' })], /^The htm .* the method of this request/],
    [[await good({ htu: 'https://evil.example/token' })], /^The htu .* the public URL of this request/],
    [[await good({ iat: now - 61 })], /^The iat .* within a minute of now: .* check the clock/],
    [[await good({ exp: now - 60 })], /^The exp .* is past: /],
    [[await good({ nbf: now + 61 })], /^The nbf .* lies ahead: /],
    [[await good({ jti: '' })], /^The jti /],
    [[await good({}, { jwk: (await makeKey()).publicJwk })], /signed with the private key of the jwk/],
    [[used], /used before: make a new one/],
  ]
  for (const [proofs, description] of table) {
    const refused = await send(...proofs)
    assertError(refused, 'invalid_dpop_proof')
    assert.match(refused.json.error_description, description)
    // RFC 6749 §5.2: these characters and no others; a few words, and nothing of the proof.
    assert.match(refused.json.error_description, /^[A-Z][\x20\x21\x23-\x5b\x5d-\x7e]{10,160}\.$/)
    assert.doesNotMatch(refused.json.error_description, /evil/)
  }
  // Before the client is proven nothing is said of the proof, and of the client nothing with it.
  const stranger = await server.token('acme', { basic: ['nobody', 'x'], dpop: ['x'] })
  assertInvalidClient(stranger)
})

test('RFC 9449 §5, RFC 8705 §3: where a certificate would do as well as a proof, the answer says so, and only there', async (t) => {
  for (const [constraint, offersCertificate] of [
    ['any', true],
    ['dpop', false],
  ] as const) {
    const { send } = await start(t, oneStore, { sender_constraint: constraint })
    const refused = await send()
    assertError(refused, 'invalid_dpop_proof')
    assert.match(refused.json.error_description, /send a DPoP proof/)
    assert.equal(
      /or connect with a client certificate/.test(refused.json.error_description),
      offersCertificate,
    )
  }
})

test('trust 94: a proof is at most a minute old or ahead', async (t) => {
  const { server, send, good } = await start(t)
  const now = server.clock()
  for (const iat of [now - 3600, now + 3600, now - 61, now + 61, undefined, String(now), null]) {
    assertError(await send(await good({ iat })), 'invalid_dpop_proof')
  }
  for (const iat of [now - 10, now + 10, now]) assertToken(await send(await good({ iat })))
})

test('trust 96: where a nonce is required, the proof must hold a fresh one of ours', async (t) => {
  const { server, send, good } = await start(t, oneStore, { dpop_nonce: 'required' })
  const first = await send(await good())
  assertError(first, 'use_dpop_nonce')
  const nonce = first.headers['DPoP-Nonce']
  assert.match(nonce ?? '', /^[A-Za-z0-9_-]{22}$/)
  const reply = await send(await good({ nonce }))
  assertToken(reply)
  assert.equal(reply.headers['DPoP-Nonce'], undefined)
  assertError(await send(await good({ nonce: 'made-up' })), 'use_dpop_nonce')
  await server.advance(180)
  const stale = await send(await good({ nonce }))
  assertError(stale, 'use_dpop_nonce')
  assertToken(await send(await good({ nonce: stale.headers['DPoP-Nonce'] })))
})

test('RFC 9449 §8.2: a new nonce comes with the token before the old one is over, and outlives it', async (t) => {
  const { server, send, good } = await start(t, oneStore, { dpop_nonce: 'required' })
  const old = (await send(await good())).headers['DPoP-Nonce']
  await server.advance(60)
  const slow = await send(await good({ nonce: old }))
  assertToken(slow)
  const next = slow.headers['DPoP-Nonce']
  assert.match(next ?? '', /^[\w-]{22}$/)
  assert.notEqual(next, old)
  const reply = await send(await good({ nonce: next }))
  assertToken(reply)
  assert.equal(reply.headers['DPoP-Nonce'], undefined)
  await server.advance(120)
  assertError(await send(await good({ nonce: old })), 'use_dpop_nonce')
  assertToken(await send(await good({ nonce: next })))
})

test('RFC 9449 §5: tenant, API and app can each demand a bound token, and then there is no other', async (t) => {
  for (const [more, apps] of [
    [{ sender_constraint: 'dpop' }, [app('sync')]],
    [{ apis: [{ ...restApi, sender_constraint: 'dpop' }] }, [app('sync')]],
    [{}, [app('sync', { sender_constraint: 'dpop' })]],
    [{ sender_constraint: 'any' }, [app('sync')]],
  ] as const) {
    const { send, good } = await start(t, oneStore, more, [...apps])
    const refused = await send()
    assertError(refused, 'invalid_dpop_proof')
    assertUncached(refused)
    assert.equal((await send(await good())).json.token_type, 'DPoP')
  }
})

test('RFC 8705 §3: a tenant that demands certificates takes no DPoP proof instead', async (t) => {
  const { send, good } = await start(t, oneStore, { sender_constraint: 'mtls' })
  assertError(await send(await good()), 'invalid_request')
})

test('settled “Reuse”: a token is served again only to the key that it is bound to', async (t) => {
  const { send, good } = await start(t, oneStore, { token_reuse: true })
  const other = await makeKey()
  const [mine, again, theirs, bearer] = [
    await send(await good()),
    await send(await good()),
    await send(await good({}, {}, other)),
    await send(),
  ]
  assert.equal(mine.json.access_token, again.json.access_token)
  assert.notEqual(mine.json.access_token, theirs.json.access_token)
  assert.equal(bearer.json.token_type, 'Bearer')
  assert.equal(claimsOf(bearer).cnf, undefined)
})

test('RFC 7800 §3.1: no dialect can leave the binding out of its token', async (t) => {
  const dialect = { token: { claims: { sub: '${client_id}' } }, response: { token_type: 'bearer' } }
  const { send, good } = await start(t, oneStore, { dialect })
  const reply = await send(await good())
  assert.equal(reply.json.token_type, 'DPoP')
  assert.deepEqual(Object.keys(claimsOf(reply)), ['sub', 'cnf'])
})

test('RFC 7519 §4.1.4, §4.1.5: an exp or nbf that a proof has of its own counts as in any JWT', async (t) => {
  const { server, send, good } = await start(t)
  const now = server.clock()
  for (const changes of [{ nbf: now + 61 }, { nbf: 'now' }, { exp: now - 60 }, { exp: null }]) {
    assertError(await send(await good(changes)), 'invalid_dpop_proof')
  }
  assertToken(await send(await good({ nbf: now + 10, exp: now + 30 })))
})

test('RFC 8725 §3.4: a point beside its curve, and a key that is too small, have signed nothing', async (t) => {
  const { server, send, good, key } = await start(t)
  const x = Buffer.alloc(32, 7).toString('base64url')
  assertError(await send(await good({}, { jwk: { ...key.publicJwk, x } })), 'invalid_dpop_proof')
  assert.equal(reasonOf(server), 'proof not signed with its key')
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const header = { typ: 'dpop+jwt', alg: 'PS256', jwk: small.publicKey.export({ format: 'jwk' }) }
  const input = `${encode(header)}.${encode(proofClaims(server.clock()))}`
  const options = { key: small.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
  const signature = signBytes('sha256', Buffer.from(input), options).toString('base64url')
  assertError(await send(`${input}.${signature}`), 'invalid_dpop_proof')
  assert.equal(reasonOf(server), 'proof with an RSA key of other than 2048 to 4096 bits')
})
