// FAPI 2.0 Security Profile for clients that act for themselves: `security: fapi2` obeys each of its rules.
import assert from 'node:assert/strict'
import { constants, createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto'
import { test } from 'node:test'
import { calculateJwkThumbprint, compactVerify, createLocalJWKSet } from 'jose'
import { presentCertificate } from '../../src/certificates/presented.ts'
import type { FetchJson } from '../../src/outbound/fetch-json.ts'
import { type Issued, issue } from '../certificates/issue.ts'
import { forEachStore, oneStore, startTestServer } from '../harness.ts'
import { assertError, assertInvalidClient, assertToken, freshAddress, grant } from './answers.ts'
import { saveClient } from './rows.ts'
import { blueprint, type Part, proving, tenant } from './sample.ts'
import {
  type Algorithm,
  assertionClaims,
  claimsOf,
  type Key,
  type Members,
  makeKey,
  proof,
  proofClaims,
  reasonOf,
  saveKey,
  sign,
  withAssertion,
} from './signed.ts'

const mtlsUrl = new URL('https://localhost:8444')

async function start(t: Parameters<typeof startTestServer>[0], suite = oneStore, more: Part = {}) {
  const [key, proofKey] = [await makeKey(), await makeKey()]
  const robot = proving('robot', 'private_key_jwt', { public_key: key.publicJwk })
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

forEachStore((_engine, suite) => {
  test('FAPI 2.0 §5.3.2.1: private_key_jwt with DPoP gives a token bound to the key', async (t) => {
    const { send } = await start(t, suite)
    const reply = await send()
    assertToken(reply)
    assert.equal(reply.json.token_type, 'DPoP')
    assert.match((claimsOf(reply).cnf as { jkt?: string } | undefined)?.jkt ?? '', /^[A-Za-z0-9_-]{43}$/)
  })

  test('FAPI 2.0 §5.3.2.1: in each of the four pairs the token names just the key or certificate that was shown', async (t) => {
    const [key, proofKey] = [await makeKey(), await makeKey('EdDSA')]
    const authority = await issue(null, { name: 'CN=Authority', ca: true })
    const [leaf, own] = [await issue(authority, { name: 'CN=robot' }), await issue(null, { name: 'CN=own' })]
    const apps = [
      proving('signer', 'private_key_jwt', { public_key: key.publicJwk }),
      proving('robot', 'tls_client_auth', { certificate: { subject_dn: leaf.certificate.subjectText } }),
      proving('pinned', 'self_signed_tls_client_auth', {
        certificate: { sha256: own.certificate.thumbprintSha256 },
      }),
    ]
    const settings = { security: 'fapi2', certificate_authorities: [authority.pem] }
    const server = await startTestServer(t, suite, blueprint(tenant('acme', apps, settings)), {}, { mtlsUrl })
    const byKey = async () => withAssertion(await sign(key, assertionClaims('signer', server.clock())))
    const named = (id: string) => ({ body: { ...grant, client_id: id } })
    const shown = ({ der }: Issued) => ({ certificate: presentCertificate(der, []) })
    const dpop = async () => ({ dpop: [await proof(proofKey, server.clock())] })
    const jkt = { jkt: await calculateJwkThumbprint(proofKey.publicJwk, 'sha256') }
    const x5t = (issued: Issued) => ({ 'x5t#S256': issued.certificate.thumbprintSha256 })
    const pairs: readonly (readonly [Awaited<ReturnType<typeof dpop>> | object, object, string])[] = [
      [{ ...(await byKey()), ...(await dpop()) }, jkt, 'DPoP'],
      [{ ...(await byKey()), ...shown(own) }, x5t(own), 'Bearer'],
      [{ ...named('robot'), ...shown(leaf), ...(await dpop()) }, jkt, 'DPoP'],
      [{ ...named('robot'), ...shown(leaf) }, x5t(leaf), 'Bearer'],
      [{ ...named('pinned'), ...shown(own), ...(await dpop()) }, jkt, 'DPoP'],
      [{ ...named('pinned'), ...shown(own) }, x5t(own), 'Bearer'],
    ]
    for (const [request, cnf, type] of pairs) {
      const reply = await server.token('acme', request)
      assertToken(reply)
      assert.deepEqual([claimsOf(reply).cnf, reply.json.token_type], [cnf, type])
    }
    assertError(await server.token('acme', await byKey()), 'invalid_dpop_proof')
  })
})

test('FAPI 2.0 §5.3.2.1: clients are confidential, and prove themselves by key or certificate alone', async (t) => {
  const { server, proofKey } = await start(t)
  const secret = `sp_test_${'f'.repeat(49)}`
  const leftOver = (clientId: string, methods: string[]) =>
    saveClient(server, 'acme', clientId, secret, { client_authentication: methods })
  await leftOver('secretive', ['client_secret_basic', 'client_secret_post', 'client_secret_jwt'])
  await leftOver('public', ['none'])
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

test('FAPI 2.0 §5.4.1: an assertion or a proof that nobody signed, or a MAC, counts for nothing', async (t) => {
  const { server, send, assertion, key } = await start(t)
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const now = server.clock()
  const macKeys = [JSON.stringify(key.publicJwk), 'x'.repeat(64)]
  for (const [alg, mac] of [
    ['none', ''],
    ['nOnE', 'AAAA'],
    ...macKeys.map((secret) => ['HS256', secret]),
  ] as const) {
    const forged = (header: Members, claims: Members) => {
      const input = `${encode({ ...header, alg })}.${encode(claims)}`
      return `${input}.${
        alg === 'HS256'
          ? createHmac('sha256', mac ?? '')
              .update(input)
              .digest('base64url')
          : mac
      }`
    }
    const unsigned = forged({}, assertionClaims('robot', now))
    const unproven = forged({ typ: 'dpop+jwt', jwk: key.publicJwk }, proofClaims(now))
    assertInvalidClient(
      await server.token('acme', { ...withAssertion(unsigned), clientAddress: freshAddress() }),
    )
    assertError(await send({}, key, unproven), 'invalid_dpop_proof')
  }
  assertToken(
    await server.token('acme', { ...withAssertion(await assertion()), dpop: [await proof(key, now)] }),
  )
})

test('FAPI 2.0 §5.3.2.1: nothing redirects, whatever is asked for and wherever it says to go', async (t) => {
  const { server } = await start(t)
  const { json } = await server.request({ url: '/acme/.well-known/openid-configuration' })
  const endpoints = Object.entries<string>(json).filter(([name]) => /_(?:endpoint|uri)$/.test(name))
  assert.ok(endpoints.length >= 4)
  const elsewhere = 'https://evil.example/'
  const paths = [
    ...endpoints.flatMap(([, url]) => [new URL(url).pathname, `${new URL(url).pathname}/`]),
    ...['/', '/acme', '/acme/', '/acme/oauth2', '/acme/oauth2/authorize', '/acme/oauth2/logout'],
    ...['/.well-known/openid-configuration/acme', '/manage/v1/tenants', '/manage', '/livez', '/metrics'],
    ...['//evil.example', '//evil.example/%2e%2e', '/\\evil.example', `/${elsewhere}`, elsewhere],
  ]
  const targets = ['redirect_uri', 'post_logout_redirect_uri', 'return_to', 'next', 'url', 'target_link_uri']
  const query = targets.map((name) => `${name}=${encodeURIComponent(elsewhere)}`).join('&')
  for (const path of paths) {
    for (const url of [path, `${path}?${query}`]) {
      for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS']) {
        for (const host of ['localhost:8443', 'evil.example']) {
          const body = method === 'POST' ? { ...grant, redirect_uri: elsewhere } : undefined
          const headers = { 'x-forwarded-host': 'evil.example', referer: elsewhere }
          const reply = await server.request({ url, method, host, headers, ...(body && { body }) })
          const words = `${method} ${url} of ${host}: ${reply.status}`
          assert.ok(reply.status < 300 || reply.status >= 400, words)
          const names = Object.keys(reply.headers).map((name) => name.toLowerCase())
          assert.ok(!names.includes('location') && !names.includes('refresh'), words)
        }
      }
    }
  }
})

test('FAPI 2.0 §5.4.1: access tokens are signed with ES256, EdDSA or PS256, and their header points nowhere', async (t) => {
  for (const algorithm of ['ES256', 'EdDSA', 'PS256'] as const) {
    const more = algorithm === 'ES256' ? {} : { signing_algorithm: algorithm }
    const { server, send } = await start(t, oneStore, more)
    const token = assertToken(await send())
    const { json: published } = await server.request({ url: '/acme/oauth2/jwks' })
    const { protectedHeader } = await compactVerify(token, createLocalJWKSet(published))
    const { kid, ...rest } = protectedHeader
    assert.deepEqual([typeof kid, rest], ['string', { alg: algorithm, typ: 'at+jwt' }])
    // §5.4.1 no. 4: nobody guesses 128 bits, and these are 512 or more.
    assert.ok(Buffer.from(token.split('.')[2] ?? '', 'base64url').length * 8 >= 512)
  }
})

test('FAPI 2.0 §5.4.1: an RSA key of less than 2048 bits signs for nobody, wherever it is registered', async (t) => {
  const { server, send } = await start(t)
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 })
  await saveKey(server, 'acme', 'robot', 'small', small.publicKey.export({ format: 'jwk' }))
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const input = `${encode({ alg: 'PS256' })}.${encode(assertionClaims('robot', server.clock()))}`
  const options = { key: small.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
  const assertion = `${input}.${signBytes('sha256', Buffer.from(input), options).toString('base64url')}`
  assertInvalidClient(await server.token('acme', withAssertion(assertion)))
  assert.equal(reasonOf(server), 'no key of the client has signed the assertion')
  assertToken(await send())
})

test('FAPI 2.0 §5.4.3: of keys that share a key id the one that fits the signature is found', async (t) => {
  const keys = [await makeKey('PS256'), await makeKey(), await makeKey('EdDSA'), await makeKey()]
  const fetchJson: FetchJson = async () => ({
    ok: true,
    value: { keys: keys.map(({ publicJwk }) => ({ ...publicJwk, kid: 'same' })) },
    maxAgeSeconds: null,
  })
  const robot = proving('robot', 'private_key_jwt', { jwks_uri: 'https://robot.example/jwks' })
  const text = blueprint(tenant('acme', [robot], { security: 'fapi2' }))
  const server = await startTestServer(t, oneStore, text, {}, { fetchJson })
  const send = async (key: Key) =>
    server.token('acme', {
      ...withAssertion(await sign(key, assertionClaims('robot', server.clock()), { kid: 'same' })),
      dpop: [await proof(key, server.clock())],
      clientAddress: freshAddress(),
    })
  for (const key of keys) assertToken(await send(key))
  assertInvalidClient(await send(await makeKey()))
})
