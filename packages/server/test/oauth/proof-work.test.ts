// trust.md R22, R20 and part 1, row 12: what a proof that is no secret costs us, and that its cost tells a stranger nothing.
import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { parseBlueprints } from '../../src/blueprint/parse.ts'
import { presentCertificate } from '../../src/certificates/presented.ts'
import type { FetchJson } from '../../src/outbound/fetch-json.ts'
import { clientAuth, issue } from '../certificates/issue.ts'
import { oneStore, startTestServer, type TestRequest, type TestServer } from '../harness.ts'
import { assertInvalidClient, assertThrottled, assertToken, freshAddress, grant } from './answers.ts'
import { cryptoWork } from './counted-crypto.ts'
import { app, blueprint, organization, proving, tenant } from './sample.ts'
import { assertionClaims, makeKey, saveKey, sign, withAssertion } from './signed.ts'

const ec = () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
const rsa = (modulusLength: number) =>
  generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' })
/** Of no primes: as good as any key to be tried and to fail. */
const anyRsa = () => {
  const modulus = Buffer.concat([Buffer.of(0xc1), randomBytes(510), Buffer.of(1)])
  return { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' }
}
const keyed = (id: string, keys: readonly object[], more = {}) =>
  app(id, {
    client_id: id,
    client_authentication: ['private_key_jwt'],
    credentials: keys.map((key, index) => ({ id: `key-${index}`, public_key: key })),
    ...more,
  })

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const forge = (alg: string, bytes: number, claims: object) =>
  `${encode({ alg })}.${encode(claims)}.${Buffer.alloc(bytes, 7).toString('base64url')}`

const issuer = 'https://issuer.example'
const rule = (index: number) => ({
  id: `rule-${index}`,
  federation: { issuer, subject: 'workload', claims: { stage: ['test', String(index)] } },
})
const federated = (count: number) =>
  app('federated', {
    client_id: 'federated',
    client_authentication: ['federation'],
    credentials: Array.from({ length: count }, (_, index) => rule(index)),
  })

const fetchJson: FetchJson = async (url) => ({
  ok: true,
  maxAgeSeconds: 3_600,
  value: url.endsWith('openid-configuration')
    ? { issuer, jwks_uri: `${issuer}/keys` }
    : { keys: Array.from({ length: 50 }, anyRsa) },
})

const attempt = (server: TestServer, assertion: string, more: Partial<TestRequest> = {}, form = {}) =>
  server.token('acme', { ...withAssertion(assertion, form), clientAddress: freshAddress(), ...more })

test('trust R22: one token is tried with ten keys, however many its client has, and once though the client stood in memory', async (t) => {
  const published = proving('published', 'private_key_jwt', { jwks_uri: 'https://published.example/keys' })
  const many = keyed('many', Array.from({ length: 10 }, anyRsa))
  const server = await startTestServer(
    t,
    oneStore,
    blueprint(tenant('acme', [many, published, federated(20)])),
    {},
    { fetchJson },
  )
  const workload = { iss: issuer, sub: 'workload', stage: 'test' }
  for (const [clientId, changes] of [
    ['many', {}],
    ['published', {}],
    ['federated', workload],
  ] as const) {
    const send = async () => {
      const claims = { ...assertionClaims(clientId, server.clock()), ...changes }
      assertInvalidClient(await attempt(server, forge('PS256', 512, claims), {}, { client_id: clientId }))
    }
    // The first one fetches and reads the keys.
    assert.equal((await cryptoWork(send)).verify, 10, clientId)
    assert.deepEqual(await cryptoWork(send), { verify: 10, createPublicKey: 0 }, clientId)
  }
})

test('trust F12, R20: an assertion of nobody costs as much as one of a client of whatever keys, and both a single signature', async (t) => {
  const clients = [
    keyed('curve', [ec()]),
    keyed('small-rsa', [rsa(2048)]),
    keyed('large-rsa', [rsa(4096)]),
    keyed('choosy', [rsa(2048)], { assertion_algorithms: ['PS256'] }),
    federated(3),
    app('secret', { client_id: 'secret' }),
  ]
  const algorithms = ['ES256', 'ES384', 'EdDSA', 'PS256', 'RS256', 'HS256']
  const server = await startTestServer(
    t,
    oneStore,
    blueprint(tenant('acme', clients, { assertion_algorithms: algorithms })),
    {},
    { fetchJson },
  )
  const names = ['nobody', 'curve', 'small-rsa', 'large-rsa', 'choosy', 'federated', 'secret']
  for (const [alg, bytes] of [
    ['ES256', 64],
    ['ES384', 96],
    ['EdDSA', 64],
    ['PS256', 256],
    ['PS256', 512],
    ['RS256', 256],
    ['RS256', 384],
  ] as const) {
    for (const changes of [{}, { iss: issuer, sub: 'stranger' }]) {
      for (const clientId of names) {
        const send = async () => {
          const claims = { ...assertionClaims(clientId, server.clock()), ...changes }
          assertInvalidClient(await attempt(server, forge(alg, bytes, claims), {}, { client_id: clientId }))
        }
        await send()
        assert.deepEqual(
          await cryptoWork(send),
          { verify: 1, createPublicKey: 0 },
          `${clientId} ${alg} ${bytes}`,
        )
      }
    }
  }
})

test('trust F12: a client that is read anew at each request has its keys read once', async (t) => {
  const clients = [keyed('curve', [ec()]), keyed('other', [ec()])]
  const server = await startTestServer(t, oneStore, blueprint(tenant('acme', clients)))
  const send = async () =>
    assertInvalidClient(await attempt(server, forge('ES256', 64, assertionClaims('curve', server.clock()))))
  await send()
  // A change of the app makes another reading of it.
  await saveKey(server, 'acme', 'curve', 'more', ec(), { disabledAt: 1 })
  assert.deepEqual(await cryptoWork(send), { verify: 2, createPublicKey: 1 })
  await server.db.changes.catchUp()
  assert.deepEqual(await cryptoWork(send), { verify: 2, createPublicKey: 0 })
})

test('trust 44: past the limit ten assertions a second are looked at, and the right one waits a second at most', async (t) => {
  const key = await makeKey()
  const server = await startTestServer(
    t,
    oneStore,
    blueprint(tenant('acme', [keyed('robot', [key.publicJwk])])),
  )
  const clientAddress = freshAddress()
  const wrong = () => forge('ES256', 64, assertionClaims('robot', server.clock()))
  const right = () => sign(key, assertionClaims('robot', server.clock()))
  for (let number = 0; number < 10; number++)
    assertInvalidClient(await attempt(server, wrong(), { clientAddress }))
  const flood = async () => {
    for (let number = 0; number < 100; number++)
      assertThrottled(await attempt(server, wrong(), { clientAddress }))
  }
  assert.equal((await cryptoWork(flood)).verify, 10)
  assertThrottled(await attempt(server, await right(), { clientAddress }))
  assertToken(await attempt(server, await right()))
  await server.advance(1)
  assertToken(await attempt(server, await right(), { clientAddress }))
})

test('trust R22: rules beyond those that are tried are refused when they are declared', () => {
  const parse = (count: number) =>
    parseBlueprints([
      {
        name: 'tests.yaml',
        text: JSON.stringify({
          blueprint: 'tests',
          tenants: [tenant('acme', [], { organizations: [organization('customer', [federated(count)])] })],
        }),
      },
    ]).problems ?? []
  assert.deepEqual(parse(20), [])
  assert.deepEqual(
    parse(21).map(({ found, expected }) => ({ found, expected })),
    [{ found: 'federation 21 times', expected: 'at most 20' }],
  )
})

test('trust F12, R20: a certificate costs as much under a name that nobody has, and a signature that fails is looked at once', async (t) => {
  const root = await issue(null, { name: 'CN=Root', ca: true })
  const robot = app('robot', {
    client_id: 'robot',
    client_authentication: ['tls_client_auth'],
    credentials: [{ id: 'main', certificate: { subject_dn: 'CN=robot' } }],
  })
  const server = await startTestServer(
    t,
    oneStore,
    blueprint(
      tenant('acme', [robot, app('secret', { client_id: 'secret' })], {
        certificate_authorities: [root.pem],
      }),
    ),
    {},
    { mtlsUrl: new URL('https://localhost:8444') },
  )
  const helpers = await Promise.all(
    Array.from({ length: 8 }, () => issue(root, { name: 'CN=Loop', ca: true })),
  )
  const evil = await issue(null, { name: 'CN=Loop', ca: true })
  const chain = helpers.map(({ der }) => der)
  const costs: number[] = []
  // The helpers' own links hold, and are known from the first request on.
  for (const clientId of ['first', 'nobody', 'robot', 'secret']) {
    const leaf = await issue(evil, { name: 'CN=robot', purposes: [clientAuth] })
    const certificate = presentCertificate(leaf.der, chain)
    const body = { ...grant, client_id: clientId }
    const send = async () =>
      assertInvalidClient(await server.token('acme', { body, certificate, clientAddress: freshAddress() }))
    costs.push((await cryptoWork(send)).verify)
    assert.equal((await cryptoWork(send)).verify, 0, clientId)
  }
  assert.deepEqual(costs.slice(1), [8, 8, 8])
})
