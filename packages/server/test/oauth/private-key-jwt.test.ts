// trust.md part 2 C and its failures in part 1: an assertion proves its client by its signature, its claims, and once.

import assert from 'node:assert/strict'
import type { webcrypto } from 'node:crypto'
import { createHmac, KeyObject, sign as signBytes } from 'node:crypto'
import { test } from 'node:test'
import { exportSPKI, importJWK, SignJWT } from 'jose'
import { saveCredential } from '../../src/store/credentials.ts'
import { createSingleUse } from '../../src/store/single-use.ts'
import { createTestServer, forEachStore, oneStore, startTestServer } from '../harness.ts'
import { assertError, assertInvalidClient, assertToken, freshAddress, grant } from './answers.ts'
import { app, blueprint, proving, tenant } from './sample.ts'
import {
  assertionClaims,
  freshId,
  type Key,
  type Members,
  makeKey,
  proof,
  reasonOf,
  saveKey,
  sign,
  withAssertion,
} from './signed.ts'

const keyed = (id: string, { publicJwk }: Key) =>
  proving(id, 'private_key_jwt', { public_key: { ...publicJwk, kid: 'one' } })

async function start(t: Parameters<typeof startTestServer>[0], suite = oneStore, more: Members = {}) {
  const [key, second, third] = [await makeKey(), await makeKey(), await makeKey()]
  const apps = [keyed('robot', key), keyed('other', second), app('sync')]
  const server = await startTestServer(
    t,
    suite,
    blueprint(tenant('acme', apps, more), tenant('west', [keyed('robot', third)])),
  )
  const send = (assertion: string, form = {}, tenantId = 'acme') =>
    server.token(tenantId, { ...withAssertion(assertion, form), clientAddress: freshAddress() })
  const good = (changes: Members = {}, header: Members = {}, by: Key = key) =>
    sign(by, assertionClaims('robot', server.clock(), changes), header)
  return { server, key, send, good }
}

forEachStore((_engine, suite) => {
  test('RFC 7523 §3: a signed assertion is a client, with each algorithm and each of its keys', async (t) => {
    const { server, send } = await start(t, suite)
    for (const algorithm of ['ES256', 'ES384', 'EdDSA', 'PS256'] as const) {
      const key = await makeKey(algorithm)
      await saveKey(server, 'acme', 'robot', `key-${algorithm.toLowerCase()}`, {
        ...key.publicJwk,
        kid: algorithm,
      })
      const claims = () => assertionClaims('robot', server.clock())
      assertToken(await send(await sign(key, claims())))
      assertToken(await send(await sign(key, claims(), { kid: algorithm })))
      assertToken(await send(await sign(key, claims()), { client_id: 'robot' }))
      assertInvalidClient(await send(await sign(key, claims(), { kid: 'one' })))
      assertInvalidClient(await send(await sign(key, claims()), { client_id: 'other' }))
    }
  })

  test('trust F1, trust 65: an assertion counts once, also of fifty at once and in another process', async (t) => {
    const { server, send, good } = await start(t, suite)
    const assertion = await good()
    const replies = await Promise.all(Array.from({ length: 50 }, () => send(assertion)))
    assert.equal(replies.filter(({ status }) => status === 200).length, 1)
    assert.equal(replies.filter(({ status }) => status === 401).length, 49)
    assertInvalidClient(await send(assertion))
    assert.equal(reasonOf(server), 'assertion used before')
    // The database is what remembers, so a process that starts later knows as well as this one.
    const later = await createTestServer({ db: server.db, clock: server.clock, blueprints: [] })
    assertInvalidClient(await later.token('acme', withAssertion(assertion)))
    // The same jti of another client is another assertion.
    const key = await makeKey()
    await saveKey(server, 'acme', 'other', 'main', key.publicJwk)
    const jti = freshId()
    assertToken(await send(await good({ jti })))
    assertToken(await send(await sign(key, assertionClaims('other', server.clock(), { jti }))))
  })

  test('trust 67, trust F15: a key that expired, was disabled, removed, or is another client’s proves nobody', async (t) => {
    const { server, send, good, key } = await start(t, suite)
    const expiring = await makeKey()
    await saveKey(server, 'acme', 'robot', 'late', expiring.publicJwk, { expiresAt: server.clock() + 30 })
    assertToken(await send(await good({}, {}, expiring)))
    await server.advance(30)
    assertInvalidClient(await send(await good({}, {}, expiring)))
    await saveKey(server, 'acme', 'robot', 'off', expiring.publicJwk, { disabledAt: server.clock() })
    assertInvalidClient(await send(await good({}, {}, expiring)))
    // The same key once more, good: it is good while one of its credentials is.
    await saveKey(server, 'acme', 'robot', 'on', expiring.publicJwk)
    assertToken(await send(await good({}, {}, expiring)))
    const stranger = await makeKey()
    await saveKey(server, 'acme', 'other', 'main', stranger.publicJwk)
    assertInvalidClient(await send(await good({}, {}, stranger)))
    assertToken(await send(await good({}, {}, key)))
  })
})

test('trust 47-51, trust F4: the header chooses no algorithm that key, client and tenant have not', async (t) => {
  const { server, send, key, good } = await start(t)
  const claims = () => assertionClaims('robot', server.clock())
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const forged = (header: Members, secret: Buffer | string | null) => {
    const input = `${encode(header)}.${encode(claims())}`
    const mac = secret === null ? '' : createHmac('sha256', secret).update(input).digest('base64url')
    return `${input}.${mac}`
  }
  const pem = await exportSPKI(
    (await importJWK(key.publicJwk, 'ES256', { extractable: true })) as webcrypto.CryptoKey,
  )
  for (const alg of ['none', 'nOnE', 'None', '', undefined, 7, null]) {
    assertInvalidClient(await send(forged({ alg }, null)))
    assertInvalidClient(await send(forged({ alg }, 'x')))
  }
  for (const secret of [pem, ` ${pem}`, pem.trim(), JSON.stringify(key.publicJwk)]) {
    for (const alg of ['HS256', 'HS384', 'HS512', ' HS256', 'hs256'])
      assertInvalidClient(await send(forged({ alg }, secret)))
  }
  const rsa = await makeKey('RS256')
  await saveKey(server, 'acme', 'robot', 'rsa', rsa.publicJwk)
  assertInvalidClient(await send(await sign(rsa, claims())))
  assert.equal(reasonOf(server), 'assertion algorithm not allowed')
  assertToken(await send(await good()))
})

test('trust 52-53: keys that an assertion brings along are never looked at', async (t) => {
  const { server, send, key } = await start(t)
  const mine = await makeKey()
  for (const header of [
    { jwk: mine.publicJwk },
    { jku: 'https://127.0.0.1:9/keys' },
    { x5u: 'https://127.0.0.1:9/cert' },
    { jwk: mine.publicJwk, kid: 'one' },
  ]) {
    assertInvalidClient(await send(await sign(mine, assertionClaims('robot', server.clock()), header)))
  }
  const critical = new SignJWT({ ...assertionClaims('robot', server.clock()) })
    .setProtectedHeader({ alg: 'ES256', crit: ['x'], x: 1 })
    .sign(key.privateKey, { crit: { x: true } })
  assertInvalidClient(await send(await critical))
})

test('trust F3, trust 57-59: the audience is the issuer and nothing else', async (t) => {
  const { server, send, good } = await start(t)
  const issuer = 'https://localhost:8443/acme'
  for (const aud of [
    [issuer],
    [issuer, 'https://other.example'],
    'https://other.example',
    `${issuer}/`,
    `${issuer}/oauth2/token`,
    `${issuer}/oauth2/par`,
    'https://localhost:8443/west',
    undefined,
    null,
    '',
    [],
    {},
  ]) {
    assertInvalidClient(await send(await good({ aud })))
    assert.equal(reasonOf(server), 'assertion for another audience')
  }
  assertToken(await send(await good({ aud: issuer })))
})

test('trust 59: the token endpoint is an audience only where the tenant says so', async (t) => {
  const { send, good } = await start(t, oneStore, { assertion_audience: 'issuer_or_token_endpoint' })
  assertToken(await send(await good({ aud: 'https://localhost:8443/acme/oauth2/token' })))
  assertToken(await send(await good()))
  assertInvalidClient(await send(await good({ aud: ['https://localhost:8443/acme/oauth2/token'] })))
})

test('trust 61: an assertion lives five minutes at most, and clocks may differ by one', async (t) => {
  const { server, send, good } = await start(t)
  const now = server.clock()
  for (const changes of [
    { exp: undefined },
    { exp: now + 301 },
    { exp: now + 301, iat: undefined },
    { exp: now + 301, iat: now - 60 },
    { exp: now + 309, iat: now + 8 },
    { exp: now + 308, nbf: now + 8 },
    { exp: now + 361, iat: now + 61 },
    { exp: now + 31_536_000 },
    { exp: now - 60 },
    { exp: String(now + 60) },
    { nbf: now + 61 },
    { iat: now + 61 },
    { iat: 'now' },
    { nbf: null },
  ]) {
    assertInvalidClient(await send(await good(changes)))
  }
  for (const changes of [
    { exp: now + 300 },
    { exp: now + 300, iat: undefined },
    { exp: now + 308, iat: now + 8 },
    { exp: now + 360, iat: now + 60 },
    { exp: now - 59 },
    { nbf: now + 8, iat: now + 8 },
    { iat: undefined },
    { iat: now - 3600 },
  ]) {
    assertToken(await send(await good(changes)))
  }
})

test('trust F1, RFC 7523 §3: an assertion from a clock that is ahead is known as used until nobody can bring it', async (t) => {
  const { server, send, good } = await start(t)
  const now = server.clock()
  const assertion = await good({ iat: now + 60, exp: now + 360 })
  assertToken(await send(assertion))
  await server.advance(360 + 59)
  await createSingleUse(server.db).sweep(server.clock())
  assertInvalidClient(await send(assertion))
  assert.equal(reasonOf(server), 'assertion used before')
  await server.advance(1)
  assertInvalidClient(await send(assertion))
  assert.equal(reasonOf(server), 'assertion expired')
})

test('trust F18: a claim that is absent or empty passes for nothing', async (t) => {
  const { send, good } = await start(t)
  for (const claim of ['iss', 'sub', 'aud', 'exp', 'jti']) {
    for (const value of [undefined, null, '', [], {}, false, 0]) {
      assertInvalidClient(await send(await good({ [claim]: value })))
    }
  }
  assertInvalidClient(await send(await good({ jti: 'x'.repeat(257) })))
})

test('trust 45-46: an assertion without its type, or with one nobody knows, is no request', async (t) => {
  const { server, good } = await start(t)
  const assertion = await good()
  const ask = (body: Readonly<Record<string, string>>) =>
    server.token('acme', { body: { ...grant, ...body } })
  for (const type of [{}, { client_assertion_type: 'jwt' }]) {
    const refused = await ask({ client_assertion: assertion, ...type })
    assertError(refused, 'invalid_request')
    assert.match(
      refused.json.error_description,
      /must be \S+:jwt-bearer, or \S+:jwt-spiffe for a JWT-SVID\.$/,
    )
  }
  const missing = await ask({ client_assertion_type: withAssertion('').body.client_assertion_type })
  assertError(missing, 'invalid_request')
  assert.equal(missing.json.error_description, 'client_assertion is missing.')
})

test('trust 34-36: an assertion beside another proof is two proofs', async (t) => {
  const { server, good } = await start(t)
  const [clientId, clientSecret] = server.credential('acme', 'sync')
  const both = withAssertion(await good())
  assertError(await server.token('acme', { ...both, basic: [clientId, clientSecret] }), 'invalid_request')
  assertError(
    await server.token('acme', { body: { ...both.body, client_id: 'robot', client_secret: 'x' } }),
    'invalid_request',
  )
})

test('trust 41: a client registered for keys cannot use a secret, nor the other way round', async (t) => {
  const { server, send, key } = await start(t)
  const [clientId] = server.credential('acme', 'sync')
  await saveKey(server, 'acme', clientId, 'stray', key.publicJwk)
  assertInvalidClient(await send(await sign(key, assertionClaims(clientId, server.clock()))))
  assert.equal(reasonOf(server), 'client is not registered for private_key_jwt')
  const secret = `sp_test_${'k'.repeat(49)}`
  await server.db.write((tx) =>
    saveCredential(tx, 'acme', 'robot', {
      id: 'stray',
      ...server.store.hasher.hash('acme', 'robot', secret),
    }),
  )
  assertInvalidClient(await server.token('acme', { basic: ['robot', secret] }))
})

test('trust F20: an assertion for one tenant is nothing at another, whatever the client is called', async (t) => {
  const { server, send, good, key } = await start(t)
  await saveKey(server, 'west', 'robot', 'main', key.publicJwk)
  const refused = await send(await good(), {}, 'west')
  assertInvalidClient(refused, 'https://localhost:8443/west')
})

test('trust 62, trust F40: malformed assertions are refused without being taken apart', async (t) => {
  const { send, good } = await start(t)
  const assertion = await good()
  const [header = '', payload = '', signature = ''] = assertion.split('.')
  const deep = Buffer.from(`{"alg":"ES256","x":${'['.repeat(5000)}${']'.repeat(5000)}}`).toString('base64url')
  const twice = Buffer.from('{"alg":"ES256","\\u0061lg":"none"}').toString('base64url')
  for (const bad of [
    '.'.repeat(60_000),
    `${assertion}.`,
    `${assertion}=`,
    ` ${assertion}`,
    `${header}.${payload}`,
    `${header}..${signature}`,
    `${deep}.${payload}.${signature}`,
    `${twice}.${payload}.${signature}`,
    `${header}.${payload}.${signature}.${signature}.${signature}`,
    'x'.repeat(20_000),
  ]) {
    assertInvalidClient(await send(bad))
  }
  assertToken(await send(assertion))
})

test('trust 36: of two assertions none counts, even if they are the same', async (t) => {
  const { server, good } = await start(t)
  const { body } = withAssertion(await good())
  const twice = `${new URLSearchParams(body)}&client_assertion=${body.client_assertion}`
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  assertError(await server.token('acme', { body: twice, headers }), 'invalid_request')
  assertToken(await server.token('acme', { body }))
})

test('trust F39: what other libraries have taken for a signature, a name or a key is none here', async (t) => {
  const { server, send, good, key } = await start(t)
  const assertion = await good()
  const [header = '', payload = '', signature = ''] = assertion.split('.')
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const raw = Buffer.from(signature, 'base64url')
  const privateKey = KeyObject.from(key.privateKey)
  const der = signBytes('sha256', Buffer.from(`${header}.${payload}`), privateKey)
  const forged = {
    'no signature': '',
    'r and s of zero': Buffer.alloc(64).toString('base64url'),
    'half a signature': raw.subarray(0, 32).toString('base64url'),
    'a signature in DER': der.toString('base64url'),
    'a byte too much': Buffer.concat([raw, Buffer.alloc(1)]).toString('base64url'),
    'one bit changed': Buffer.from(raw.map((byte, index) => byte ^ (index === 40 ? 1 : 0))).toString(
      'base64url',
    ),
  }
  for (const [what, bytes] of Object.entries(forged)) {
    assert.equal((await send(`${header}.${payload}.${bytes}`)).status, 401, what)
  }
  const issuer = 'https://localhost:8443/acme'
  for (const changes of [
    { iss: ['robot'] },
    { sub: ['robot'] },
    { iss: ['robot', 'other'], sub: 'robot' },
    { aud: [issuer, issuer] },
    { iss: 'Robot', sub: 'Robot' },
    { iss: 'robot ', sub: 'robot ' },
    // Who says to be somebody else by name or mail address is still whoever has signed.
    { iss: 'other', sub: 'other', client_id: 'robot', email: 'robot@acme.example' },
  ]) {
    assertInvalidClient(await send(await good(changes)))
  }
  const swapped = `${encode({ alg: 'ES256', kid: 'one', jwk: (await makeKey()).publicJwk })}.${payload}`
  assertInvalidClient(await send(`${swapped}.${signature}`))
  assertToken(await send(await sign(key, assertionClaims('robot', server.clock(), { client_id: 'other' }))))
})

test('RFC 8725 §3.12: no kind of token passes for another: assertion, proof, access token', async (t) => {
  const { server, send, good, key } = await start(t)
  const dpop = await proof(key, server.clock())
  assertInvalidClient(await send(dpop, { client_id: 'robot' }))
  const basic = server.credential('acme', 'sync')
  assertError(await server.token('acme', { basic, dpop: [await good()] }), 'invalid_dpop_proof')
  const { access_token: accessToken } = (await send(await good())).json
  assertInvalidClient(await send(accessToken, { client_id: 'robot' }))
  assertInvalidClient(await send(accessToken))
  assertError(await server.token('acme', { basic, dpop: [accessToken] }), 'invalid_dpop_proof')
})

test('RFC 8725 §3.11, RFC 10070 §4: an assertion that says it is something else is none, whatever its claims are', async (t) => {
  const { send, good } = await start(t)
  for (const typ of ['JWT', 'jwt', 'client-authentication+jwt', 'application/client-authentication+jwt'])
    assertToken(await send(await good({}, { typ })))
  for (const typ of [
    'at+jwt',
    'dpop+jwt',
    'oauth-id-jag+jwt',
    'token-introspection+jwt',
    'rubbish',
    '',
    7,
    null,
  ])
    assertInvalidClient(await send(await good({}, { typ })))
})
