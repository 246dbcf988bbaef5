// FAPI 2.0 Security Profile for clients that act for themselves: `security: fapi2` obeys each of its rules.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { saveApp } from '../../src/store/apps.ts'
import { saveCredential } from '../../src/store/credentials.ts'
import { forEachStore, oneStore, startTestServer, type TestServer } from '../harness.ts'
import { assertError, assertInvalidClient, assertToken, freshAddress, grant } from './answers.ts'
import { app, blueprint, type Part, tenant } from './sample.ts'
import {
  type Algorithm,
  assertionClaims,
  claimsOf,
  type Key,
  type Members,
  makeKey,
  proof,
  reasonOf,
  saveKey,
  sign,
  withAssertion,
} from './signed.ts'

async function start(t: Parameters<typeof startTestServer>[0], suite = oneStore, more: Part = {}) {
  const [key, proofKey] = [await makeKey(), await makeKey()]
  const robot = app('robot', {
    client_id: 'robot',
    client_authentication: ['private_key_jwt'],
    credentials: [{ id: 'main', public_key: key.publicJwk }],
  })
  const server = await startTestServer(
    t,
    suite,
    blueprint(tenant('acme', [robot], { security: 'fapi2', ...more })),
  )
  const assertion = (changes: Members = {}, by: Key = key) =>
    sign(by, assertionClaims('robot', server.clock(), changes))
  const send = async (changes: Members = {}, by: Key = key, dpop?: string) =>
    server.token('acme', {
      ...withAssertion(await assertion(changes, by)),
      dpop: [dpop ?? (await proof(proofKey, server.clock()))],
      clientAddress: freshAddress(),
    })
  return { server, key, proofKey, assertion, send }
}

/** An app that no blueprint would declare for such a tenant: left from before it became one. */
async function saveLeftover(
  { db, store }: TestServer,
  clientId: string,
  methods: readonly string[],
  secret: string,
) {
  await db.write(async (tx) => {
    await saveApp(tx, 'acme', {
      clientId,
      id: clientId,
      organizationId: 'customer',
      name: 'Left over',
      settings: { client_authentication: [...methods], scopes: { rest: ['read'] } },
    })
    await saveCredential(tx, 'acme', clientId, { id: 'main', ...store.hasher.hash('acme', clientId, secret) })
  })
}

forEachStore((_engine, suite) => {
  test('FAPI 2.0 §5.3.2.1: private_key_jwt with DPoP gives a token bound to the key', async (t) => {
    const { send } = await start(t, suite)
    const reply = await send()
    assertToken(reply)
    assert.equal(reply.json.token_type, 'DPoP')
    assert.match((claimsOf(reply).cnf as { jkt?: string } | undefined)?.jkt ?? '', /^[A-Za-z0-9_-]{43}$/)
  })
})

test('FAPI 2.0 §5.3.2.1: clients are confidential, and prove themselves by key or certificate alone', async (t) => {
  const { server, proofKey } = await start(t)
  const secret = `sp_test_${'f'.repeat(49)}`
  await saveLeftover(
    server,
    'secretive',
    ['client_secret_basic', 'client_secret_post', 'client_secret_jwt'],
    secret,
  )
  await saveLeftover(server, 'public', ['none'], secret)
  const dpop = async () => [await proof(proofKey, server.clock())]
  assertInvalidClient(await server.token('acme', { basic: ['secretive', secret], dpop: await dpop() }))
  assert.equal(reasonOf(server), 'tenant does not allow client_secret_basic')
  const post = { ...grant, client_id: 'secretive', client_secret: secret }
  assertInvalidClient(await server.token('acme', { body: post, dpop: await dpop() }))
  assert.equal(reasonOf(server), 'tenant does not allow client_secret_post')
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const input = `${encode({ alg: 'HS256' })}.${encode(assertionClaims('secretive', server.clock()))}`
  const mac = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
  assertInvalidClient(await server.token('acme', { ...withAssertion(mac), dpop: await dpop() }))
  assert.equal(reasonOf(server), 'assertion algorithm not allowed')
  assertInvalidClient(
    await server.token('acme', { body: { ...grant, client_id: 'public' }, dpop: await dpop() }),
  )
})

test('FAPI 2.0 §5.3.2.1: there is no token that is not bound to its sender', async (t) => {
  const { server, assertion } = await start(t)
  const bare = await server.token('acme', withAssertion(await assertion()))
  assertError(bare, 'invalid_dpop_proof')
})

test('FAPI 2.0 §5.3.2.1: the audience of an assertion is the issuer, as text, whatever else the tenant says', async (t) => {
  const issuer = 'https://localhost:8443/acme'
  const { send } = await start(t)
  for (const aud of [
    `${issuer}/oauth2/token`,
    [issuer],
    [issuer, `${issuer}/oauth2/token`],
    'https://other.example',
  ])
    assertInvalidClient(await send({ aud }))
  assertToken(await send({ aud: issuer }))
})

test('FAPI 2.0 §5.3.2.1: iat and nbf up to ten seconds ahead are taken, more than sixty are not', async (t) => {
  const { server, send, proofKey, key } = await start(t)
  const now = server.clock()
  for (const ahead of [0, 8, 10]) {
    assertToken(await send({ iat: now + ahead, nbf: now + ahead }))
    assertToken(await send({}, key, await proof(proofKey, now, { iat: now + ahead })))
  }
  assertInvalidClient(await send({ iat: now + 61 }))
  assertInvalidClient(await send({ nbf: now + 61 }))
  assertError(await send({}, key, await proof(proofKey, now, { iat: now + 61 })), 'invalid_dpop_proof')
})

test('FAPI 2.0 §5.4: PS256, ES256 and EdDSA sign assertions and proofs, and nothing else does', async (t) => {
  const { server, send, key } = await start(t)
  const allowed: readonly Algorithm[] = ['PS256', 'ES256', 'EdDSA']
  for (const algorithm of ['PS256', 'ES256', 'EdDSA', 'RS256', 'ES384'] as const) {
    const other = await makeKey(algorithm)
    await saveKey(server, 'acme', 'robot', `key-${algorithm.toLowerCase()}`, other.publicJwk)
    const signed = await send({}, other)
    const proven = await send({}, key, await proof(other, server.clock()))
    if (allowed.includes(algorithm)) {
      assertToken(signed)
      assertToken(proven)
    } else {
      assertInvalidClient(signed)
      assertError(proven, 'invalid_dpop_proof')
    }
  }
})

test('FAPI 2.0 §5.3.2.1: metadata promises what the profile allows, and no more', async (t) => {
  const { server } = await start(t)
  for (const url of [
    '/.well-known/oauth-authorization-server/acme',
    '/acme/.well-known/openid-configuration',
  ]) {
    const { json } = await server.request({ url })
    const methods: readonly string[] = json.token_endpoint_auth_methods_supported
    assert.ok(methods.includes('private_key_jwt'))
    for (const method of methods)
      assert.ok(
        ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'].includes(method),
        method,
      )
    const names = ['ES256', 'EdDSA', 'Ed25519', 'PS256']
    assert.deepEqual(json.token_endpoint_auth_signing_alg_values_supported.toSorted(), names.toSorted())
    assert.deepEqual(json.dpop_signing_alg_values_supported.toSorted(), names.toSorted())
    assert.equal(json.grant_types_supported.includes('password'), false)
  }
})

test('FAPI 2.0 §5.3.2.1: the password grant is refused, and no refresh token is handed out', async (t) => {
  const { server, assertion, proofKey, send } = await start(t)
  const body = {
    ...withAssertion(await assertion()).body,
    grant_type: 'password',
    username: 'u',
    password: 'p',
  }
  assertError(
    await server.token('acme', { body, dpop: [await proof(proofKey, server.clock())] }),
    'unsupported_grant_type',
  )
  assert.equal((await send()).json.refresh_token, undefined)
})

test('FAPI 2.0 §5.3.2.1: a nonce of the server’s own may be required, and then every proof holds one', async (t) => {
  const { server, send, key, proofKey } = await start(t, oneStore, { dpop_nonce: 'required' })
  const first = await send()
  assertError(first, 'use_dpop_nonce')
  const nonce = first.headers['DPoP-Nonce']
  assertToken(await send({}, key, await proof(proofKey, server.clock(), { nonce })))
})
