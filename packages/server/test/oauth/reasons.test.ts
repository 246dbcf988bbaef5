// What the log says of a failed proof is what was wrong with it; the answer is the same for all.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { presentCertificate } from '../../src/certificates/presented.ts'
import { issueForRobot } from '../certificates/robot.ts'
import { forEachStore, oneStore, startTestServer, type TestRequest } from '../harness.ts'
import { ask, assertInvalidClient, grant } from './answers.ts'
import { app, blueprint, proving, tenant } from './sample.ts'
import { assertionClaims, makeKey, reasonOf, withAssertion } from './signed.ts'

const secret = `sp_test_${'x'.repeat(49)}`
const mtlsUrl = new URL('https://localhost:8444')

const macOf = (clientId: string, now: number) => {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const input = `${encode({ alg: 'HS256' })}.${encode(assertionClaims(clientId, now))}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

forEachStore((_engine, suite) => {
  test('trust 26-27: of a client without a secret the log says so, and the answer is that of a wrong one', async (t) => {
    const { publicJwk } = await makeKey()
    const certificates = await issueForRobot()
    const apps = [
      app('sync'),
      proving('keyed', 'private_key_jwt', { public_key: publicJwk }),
      proving('certified', 'tls_client_auth', { certificate: { san_dns: 'robot.acme.example' } }),
      app('public', { client_id: 'public', client_authentication: ['none'], credentials: [] }),
    ]
    const settings = { certificate_authorities: [certificates.authority.pem] }
    const server = await startTestServer(t, suite, blueprint(tenant('acme', apps, settings)), {}, { mtlsUrl })
    const [sync] = server.credential('acme', 'sync')
    const reasons = {
      ...{ keyed: 'client has no secret', certified: 'client has no secret', public: 'client has no secret' },
      ...{ [sync]: 'secret wrong', nobody: 'client unknown' },
    }
    for (const [clientId, reason] of Object.entries(reasons)) {
      // Twice: the second time the client stands in memory.
      for (let time = 0; time < 2; time++) {
        assertInvalidClient(await ask(server, { basic: [clientId, secret] }))
        assert.equal(reasonOf(server), reason, clientId)
      }
      assertInvalidClient(
        await ask(server, { body: { ...grant, client_id: clientId, client_secret: secret } }),
      )
      assert.equal(reasonOf(server), reason, clientId)
    }
  })
})

test('RFC 6749 §2.3.1: a wrong secret beside a slow hash is one, also where the header can be read as two ids', async (t) => {
  const hash = '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'
  const slow = app('slow', { client_id: 'slow%41', credentials: [{ id: 'old', secret: { hash } }] })
  const server = await startTestServer(t, oneStore, blueprint(tenant('acme', [slow])))
  // The second time the client stands in memory.
  for (let time = 0; time < 2; time++) {
    assertInvalidClient(await ask(server, { basic: ['slow%41', 'wrong'] }))
    assert.equal(reasonOf(server), 'secret wrong')
  }
})

test('OpenID Connect Core §9: of a MAC the log says whether the client has a secret, one that is kept, or another', async (t) => {
  const { publicJwk } = await makeKey()
  const apps = [
    proving('keyed', 'private_key_jwt', { public_key: publicJwk }),
    app('hashed', { client_id: 'hashed' }),
    app('sealed', { client_id: 'sealed', client_authentication: ['client_secret_jwt'] }),
  ]
  const server = await startTestServer(t, oneStore, blueprint(tenant('acme', apps)))
  for (const [clientId, reason] of [
    ['keyed', 'client has no secret'],
    ['hashed', 'no secret of the client is kept for assertions'],
    ['sealed', 'no secret of the client has signed the assertion'],
    ['nobody', 'client unknown'],
  ] as const) {
    assertInvalidClient(await ask(server, withAssertion(macOf(clientId, server.clock()))))
    assert.equal(reasonOf(server), reason, clientId)
  }
})

test('RFC 6749 §2.3.1, RFC 8705 §2: of what names two clients, or none, the log says just that', async (t) => {
  const certificates = await issueForRobot()
  const dialect = { request: { query_credentials: { client_id: 'key', client_secret: 'secret' } } }
  const server = await startTestServer(
    t,
    oneStore,
    blueprint(tenant('acme', [app('sync')]), tenant('lax', [app('sync')], { dialect })),
    {},
    { mtlsUrl },
  )
  const sync = server.credential('acme', 'sync')
  const [clientId, clientSecret] = sync
  const basic = `Basic ${Buffer.from(sync.join(':')).toString('base64')}`
  const certificate = presentCertificate(certificates.leaf.der, [])
  const table: readonly (readonly [request: Omit<TestRequest, 'url'>, reason: string])[] = [
    [
      { basic: sync, body: { ...grant, client_id: 'other' } },
      'the Basic header and the body name two clients',
    ],
    [{ authorization: [basic, basic] }, 'several Authorization headers'],
    [{ authorization: [`Basic ${sync.join(':')}`] }, 'malformed client_secret_basic'],
    [{ authorization: ['Bearer x'], body: { ...grant, client_id: 'x' } }, 'malformed client_secret_basic'],
    [{ body: { ...grant, client_secret: clientSecret } }, 'client_secret without client_id'],
    [{ certificate }, 'client certificate without client_id'],
    [{ certificate: 'malformed' }, 'client certificate malformed'],
    [{}, 'no credentials'],
  ]
  for (const [request, reason] of table) {
    assertInvalidClient(await ask(server, request))
    assert.equal(reasonOf(server), reason)
  }
  const inUrl = (query: string, body = {}) =>
    server.request({ method: 'POST', url: `/lax/oauth2/token?${query}`, body: { ...grant, ...body } })
  const issuer = 'https://localhost:8443/lax'
  assertInvalidClient(await inUrl(`secret=${clientSecret}`), issuer)
  assert.equal(reasonOf(server), 'secret in the URL without the client id')
  assertInvalidClient(await inUrl(`key=${clientId}&secret=${clientSecret}`, { client_id: 'other' }), issuer)
  assert.equal(reasonOf(server), 'the URL and the body name two clients')
})
