// RFC 7591 §2, trust 148-149: what a program that registers itself may prove itself with, and what counts as no proof.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { presentCertificate } from '../../src/certificates/presented.ts'
import { issue } from '../certificates/issue.ts'
import { oneStore } from '../harness.ts'
import { change } from '../management/managed.ts'
import { assertRefused, registeredApps, startRegistering } from './registering.ts'
import { assertionClaims, jwtBearer, makeKey, sign } from './signed.ts'

test('trust 148-149: both jwks and jwks_uri, and a private, symmetric or weak key, are invalid_client_metadata', async (t) => {
  const world = await startRegistering(t, oneStore)
  const token = await world.give({ registrations: 50 })
  const { publicJwk } = await makeKey()
  const method = { token_endpoint_auth_method: 'private_key_jwt' }
  const keys = (...all: readonly object[]) => ({ ...method, jwks: { keys: all } })
  const small = { kty: 'RSA', e: 'AQAB', n: Buffer.alloc(128, 0xd5).toString('base64url') }
  const refused = [
    method,
    { ...keys(publicJwk), jwks_uri: 'https://keys.globex.example/jwks' },
    keys({ ...publicJwk, d: publicJwk.x }),
    keys({ kty: 'oct', k: 'c2VjcmV0c2VjcmV0c2VjcmV0' }),
    keys(small),
    keys(publicJwk, publicJwk),
    keys({ ...publicJwk, x: 'AAAA' }),
    keys({ from_file: '/etc/passwd' }),
    keys(),
    { ...method, jwks: [publicJwk] },
    { ...method, jwks_uri: 'http://keys.globex.example/jwks' },
    { ...keys(publicJwk), token_endpoint_auth_signing_alg: 'none' },
    { ...keys(publicJwk), token_endpoint_auth_method: 'client_secret_basic' },
    { ...keys(publicJwk), tls_client_auth_san_dns: 'build.globex.example' },
  ]
  for (const metadata of refused)
    assertRefused(await world.register(token, metadata), 400, 'invalid_client_metadata')
  assert.equal((await registeredApps(world)).length, 0)
})

test('RFC 7591 §2: a program registers its own key, is shown it again, and proves itself with it', async (t) => {
  const world = await startRegistering(t, oneStore)
  const key = await makeKey()
  const answer = await world.register(await world.give(), {
    ...{ token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'ES256' },
    jwks: { keys: [{ ...key.publicJwk, kid: 'one', use: 'sig' }] },
  })
  assert.equal(answer.status, 201, answer.text)
  const { client_id, jwks, client_secret } = answer.json
  assert.equal(client_secret, undefined)
  assert.deepEqual(jwks, { keys: [{ ...key.publicJwk, kid: 'one' }] })
  const assertion = await sign(key, assertionClaims(client_id, world.server.clock()), { kid: 'one' })
  const body = {
    ...{ grant_type: 'client_credentials', client_id },
    ...{ client_assertion_type: jwtBearer, client_assertion: assertion },
  }
  assert.equal((await world.server.token('acme', { body })).status, 200)
})

test('RFC 7517 §4.7: beside a key that proves stands its own certificate or none, and the key alone is kept', async (t) => {
  const world = await startRegistering(t, oneStore)
  const token = await world.give()
  const [own, other] = [await issue(null), await issue(null)]
  const key = own.certificate.publicKey?.export({ format: 'jwk' })
  const register = (x5c: unknown) =>
    world.register(token, {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...key, x5c }] },
    })
  for (const x5c of [[other.der.toString('base64')], [], 'x', null])
    assertRefused(await register(x5c), 400, 'invalid_client_metadata')
  const answer = await register([own.der.toString('base64'), other.der.toString('base64')])
  assert.deepEqual(answer.json.jwks, { keys: [key] }, answer.text)
})

test('RFC 8705 §2.1.2: a client certificate is named by exactly one of its names, and proves with it', async (t) => {
  const world = await startRegistering(t, oneStore, { mtlsUrl: new URL('https://localhost:8444') })
  const token = await world.give({ registrations: 50 })
  const method = { token_endpoint_auth_method: 'tls_client_auth' }
  const dns = { tls_client_auth_san_dns: 'build.globex.example' }
  const refused = [method, { ...method, ...dns, tls_client_auth_san_ip: '192.0.2.1' }, dns]
  for (const metadata of refused)
    assertRefused(await world.register(token, metadata), 400, 'invalid_client_metadata')
  // As long as the tenant names no authority.
  assertRefused(await world.register(token, { ...method, ...dns }), 400, 'invalid_client_metadata')
  const authority = await issue(null, { name: 'CN=Test Authority', ca: true })
  const settings = { certificate_authorities: [authority.pem] }
  assert.equal((await change(world.operator, '/tenants/acme', settings)).status, 200)
  const answer = await world.register(token, { ...method, ...dns })
  assert.equal(answer.json.tls_client_auth_san_dns, 'build.globex.example', answer.text)
  const leaf = await issue(authority, { names: [{ type: 'dns', value: 'build.globex.example' }] })
  const body = { grant_type: 'client_credentials', client_id: answer.json.client_id }
  const certificate = presentCertificate(leaf.der, [])
  assert.equal((await world.server.token('acme', { body, certificate })).status, 200)
})

test('RFC 8705 §2.2.2: a self-signed certificate comes in the key set, and is told by nothing else', async (t) => {
  const world = await startRegistering(t, oneStore, { mtlsUrl: new URL('https://localhost:8444') })
  const token = await world.give({ registrations: 50 })
  const method = { token_endpoint_auth_method: 'self_signed_tls_client_auth' }
  const [own, other] = [await issue(null), await issue(null)]
  const publicJwk = own.certificate.publicKey?.export({ format: 'jwk' })
  const x5c = [own.der.toString('base64')]
  const refused: readonly object[] = [
    ...[
      [publicJwk],
      [{ ...publicJwk, x5c: [] }],
      [{ ...publicJwk, x5c: ['AAAA'] }],
      [{ ...publicJwk, x5c, d: 'x' }],
      // RFC 7517 §4.7
      [{ ...(await makeKey()).publicJwk, x5c }],
      [{ ...publicJwk, x5c: [other.der.toString('base64'), ...x5c] }],
      [{ ...publicJwk, x5c: [own.der.toString('base64url')] }],
    ],
  ]
  for (const keys of refused)
    assertRefused(await world.register(token, { ...method, jwks: { keys } }), 400, 'invalid_client_metadata')
  const jwks = { keys: [{ ...publicJwk, x5c }] }
  const answer = await world.register(token, { ...method, jwks })
  assert.deepEqual(answer.json.jwks, jwks, answer.text)
  const body = { grant_type: 'client_credentials', client_id: answer.json.client_id }
  const statusWith = async ({ der }: { readonly der: Buffer }) =>
    (await world.server.token('acme', { body, certificate: presentCertificate(der, []) })).status
  assert.deepEqual([await statusWith(own), await statusWith(other)], [200, 401])
})
