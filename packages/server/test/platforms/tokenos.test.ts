// Document 004, TokenOS: the standard, in three ways to say who is asking, and a tenant in the host name.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SignJWT } from 'jose'
import { presentCertificate } from '../../src/certificates/presented.ts'
import { issue } from '../certificates/issue.ts'
import { basic, oneStore, startTestServer, type TestRequest } from '../harness.ts'
import { assertionClaims, type Members, makeKey, proof, sign, withAssertion } from '../oauth/signed.ts'
import { assertRefused, blueprintOf, changed, grant, partsOf, sharedServer, tokenOf } from './platforms.ts'

const tokenos = blueprintOf('tokenos')
const server = sharedServer([tokenos])

const oddId = 'project/1=dash&board'
const oddSecret = 'a secret+with 100% of: everything/=&?'
const odd = sharedServer(
  [
    changed(
      changed(
        tokenos,
        'name: Dashboard reader\n',
        `name: Dashboard reader\n            client_id: ${oddId}\n`,
      ),
      'secret: generated',
      'secret: { from_env: ODD_SECRET }',
    ),
  ],
  { ODD_SECRET: oddSecret },
)
const bare = sharedServer([changed(tokenos, '            scopes:\n              tokenos: [read]\n', '')])

const host = 'tokenos.localhost:8443'
const reader = () => server().credential('tokenos', 'dashboard-reader')
const ask = (request: Omit<TestRequest, 'url'> = {}) =>
  server().request({
    method: 'POST',
    host,
    url: '/oauth2/token',
    body: { ...grant, scope: 'read' },
    ...request,
  })

test('004-03: an app has the scopes that it was given and no others, and a new one has none', async () => {
  assertRefused(await ask({ basic: reader(), body: { ...grant, scope: 'write' } }), 400, 'invalid_scope')
  assertRefused(await ask({ basic: reader(), body: { ...grant, scope: 'read write' } }), 400, 'invalid_scope')
  const none = bare().credential('tokenos', 'dashboard-reader')
  const refused = await bare().token('tokenos', { basic: none })
  assertRefused(refused, 400, 'invalid_target')
  assert.equal(refused.json.error_description, 'This client is not granted any API.')
  const body = { ...grant, scope: 'read', audience: 'https://api.tokenos.example' }
  assertRefused(await bare().token('tokenos', { basic: none, body }), 400, 'invalid_target')
})

test('004-04: Basic and body both work, and discovery lists them beside the signed methods, and none that cannot be used', async () => {
  const [client_id, client_secret] = reader()
  assert.equal((await ask({ basic: reader() })).status, 200)
  assert.equal((await ask({ body: { ...grant, client_id, client_secret } })).status, 200)
  for (const name of ['oauth-authorization-server', 'openid-configuration']) {
    const { json } = await server().request({ host, url: `/.well-known/${name}` })
    assert.deepEqual(json.token_endpoint_auth_methods_supported, [
      'client_secret_basic',
      'client_secret_post',
      'client_secret_jwt',
      'private_key_jwt',
    ])
  }
})

test('004-05: two methods in one request are an invalid request, even with the same secret', async () => {
  const [client_id, client_secret] = reader()
  const body = { ...grant, client_id, client_secret }
  assertRefused(await ask({ basic: reader(), body }), 400, 'invalid_request')
  assertRefused(await ask({ basic: ['someone', 'else'], body }), 400, 'invalid_request')
})

test('004-07: a request without authentication is a 401 that names the scheme to try', async () => {
  const reply = await ask()
  assertRefused(reply, 401, 'invalid_client')
  assert.equal(reply.headers['WWW-Authenticate'], 'Basic realm="https://tokenos.localhost:8443"')
})

test('004-08: id and secret are URL-encoded before base64, and a blank is + or %20', async () => {
  const encoded = (text: string) => new URLSearchParams({ x: text }).toString().slice(2)
  const pairs = [
    [encoded(oddId), encoded(oddSecret)],
    [encodeURIComponent(oddId), encodeURIComponent(oddSecret)],
    [encoded(oddId).replaceAll('+', '%20'), encoded(oddSecret).replaceAll('+', '%20')],
  ] as const
  assert.ok(pairs[0][1].includes('+') && pairs[1][1].includes('%20'))
  for (const pair of pairs) {
    const reply = await odd().token('tokenos', { authorization: [basic(...pair)] })
    assert.equal(partsOf(tokenOf(reply)).claims.sub, oddId)
  }
})

test('004-08: the same id and secret work without the encoding, as documents 000 and 002 send them', async () => {
  tokenOf(await odd().token('tokenos', { authorization: [basic(oddId, oddSecret)] }))
})

test('004-08: a bad percent sequence is a failed authentication and never an error of the server', async () => {
  for (const secret of ['%', '%zz', '%e', '100%', '%ff%fe', '%C0%80']) {
    assertRefused(await ask({ authorization: [basic(reader()[0], secret)] }), 401, 'invalid_client')
  }
})

test('004-09: grant_type=client_credentials&scope=read with Basic gives a token with the scope read', async () => {
  const reply = await ask({
    basic: reader(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'grant_type=client_credentials&scope=read',
  })
  assert.equal(reply.json.scope, 'read')
  assert.equal(partsOf(tokenOf(reply)).claims.scope, 'read')
})

test('004-10: the tenant stands in the host name, and its issuer and metadata with it', async () => {
  const { claims } = partsOf(tokenOf(await ask({ basic: reader() })))
  assert.equal(claims.iss, 'https://tokenos.localhost:8443')
  const { json } = await server().request({ host, url: '/.well-known/oauth-authorization-server' })
  assert.equal(json.issuer, 'https://tokenos.localhost:8443')
  assert.equal(json.token_endpoint, 'https://tokenos.localhost:8443/oauth2/token')
  const atPath = await server().token('tokenos', { basic: reader() })
  assert.equal(partsOf(tokenOf(atPath)).claims.iss, 'https://localhost:8443/tokenos')
})

test('004-11: the body that URLSearchParams writes, credentials included, gives a token', async () => {
  const [clientId, clientSecret] = reader()
  const qs = new URLSearchParams()
  qs.set('grant_type', 'client_credentials')
  qs.set('client_id', clientId)
  qs.set('client_secret', clientSecret)
  qs.set('scope', 'read')
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  tokenOf(await ask({ headers, body: qs.toString() }))
  const [id, secret] = [oddId, oddSecret]
  const body = new URLSearchParams({ ...grant, client_id: id, client_secret: secret }).toString()
  tokenOf(await odd().token('tokenos', { headers, body }))
})

const key = await makeKey()
const issuer = 'https://tokenos.localhost:8443'
/** The reader may also sign, with a key that has a name. */
const signing = changed(
  changed(
    tokenos,
    'name: Dashboard reader\n',
    `name: Dashboard reader\n            client_id: reader\n            client_authentication: [client_secret_basic, client_secret_post, private_key_jwt]\n`,
  ),
  'secret: generated\n',
  `secret: generated\n              - id: key\n                public_key: ${JSON.stringify({ ...key.publicJwk, kid: 'k1' })}\n`,
)
const signed = sharedServer([signing])
const tolerant = sharedServer([
  changed(
    signing,
    'environment: test\n',
    'environment: test\n    assertion_audience: issuer_or_token_endpoint\n',
  ),
])
const readerClaims = (changes: Members = {}) =>
  assertionClaims('reader', signed().clock(), { aud: issuer, ...changes })
const assertion = (changes: Members = {}, header: Members = {}) => sign(key, readerClaims(changes), header)
const bring = (text: string, to = signed()) =>
  to.request({ method: 'POST', host, url: '/oauth2/token', ...withAssertion(text, { scope: 'read' }) })

test('004-12: a JWT that is signed by the app’s key gives a token, once, and its audience is the issuer', async () => {
  const good = await assertion()
  const { claims } = partsOf(tokenOf(await bring(good)))
  assert.deepEqual([claims.iss, claims.sub, claims.scope], [issuer, 'reader', 'read'])
  assertRefused(await bring(good), 401, 'invalid_client')
  tokenOf(await bring(await assertion({}, { kid: 'k1' })))
  const forTokenUrl = { aud: `${issuer}/oauth2/token` }
  assertRefused(await bring(await assertion(forTokenUrl)), 401, 'invalid_client')
  tokenOf(await bring(await assertion(forTokenUrl), tolerant()))
})

test('004-12: the document’s own body, a client_secret under the title of a JWT, is the body method as before', async () => {
  const [client_id, client_secret] = signed().credential('tokenos', 'dashboard-reader')
  const request = { method: 'POST', host, url: '/oauth2/token' }
  tokenOf(await signed().request({ ...request, body: { ...grant, client_id, client_secret } }))
  const both = withAssertion(await assertion(), { client_id, client_secret })
  assertRefused(await signed().request({ ...request, ...both }), 400, 'invalid_request')
})

test('004-13: another audience, a past end, a repeated jti, no algorithm, the public key as a secret and an unknown kid prove nobody', async () => {
  const now = signed().clock()
  const publicKey = Buffer.from(JSON.stringify(key.publicJwk))
  const withoutAlgorithm = (await assertion()).split('.')
  withoutAlgorithm[0] = Buffer.from('{"alg":"none"}').toString('base64url')
  tokenOf(await bring(await assertion({ jti: 'again' })))
  for (const text of [
    await assertion({ aud: 'https://localhost:8443/tokenos' }),
    await assertion({ aud: 'https://tokenos.example' }),
    await assertion({ exp: now - 61 }),
    await assertion({ jti: 'again' }),
    withoutAlgorithm.join('.'),
    `${withoutAlgorithm.slice(0, 2).join('.')}.`,
    await new SignJWT({ ...readerClaims() }).setProtectedHeader({ alg: 'HS256' }).sign(publicKey),
    await assertion({}, { kid: 'k2' }),
  ])
    assertRefused(await bring(text), 401, 'invalid_client')
})

test('004-18: where the document breaks off there are certificates, DPoP and the tokens of a workload’s own platform', async (t) => {
  const certificate = await issue(null)
  const platform = 'https://platform.example'
  const common = 'scopes: {tokenos: [read]}, grant_types: [client_credentials]'
  const apps = [
    `{id: machine, name: Machine, client_id: machine, ${common}, client_authentication: [self_signed_tls_client_auth], sender_constraint: mtls, credentials: [{id: main, certificate: {sha256: ${certificate.certificate.thumbprintSha256}}}]}`,
    `{id: workload, name: Workload, client_id: workload, ${common}, client_authentication: [federation], credentials: [{id: main, federation: {issuer: ${platform}, jwks_uri: ${platform}/keys, subject: job-1}}]}`,
  ]
  const text = changed(
    signing,
    '        apps:\n',
    `        apps:\n${apps.map((one) => `          - ${one}\n`).join('')}`,
  )
  const doubles = {
    mtlsUrl: new URL('https://localhost:8444'),
    fetchJson: async () => ({ ok: true, value: { keys: [key.publicJwk] }, maxAgeSeconds: null }) as const,
  }
  const own = await startTestServer(t, oneStore, text, {}, doubles)
  const post = (request: Omit<TestRequest, 'url'>) =>
    own.request({ method: 'POST', host, url: '/oauth2/token', ...request })
  const byCertificate = await post({
    host: 'tokenos.localhost:8444',
    body: { ...grant, client_id: 'machine' },
    certificate: presentCertificate(certificate.der, []),
  })
  const { cnf } = partsOf(tokenOf(byCertificate)).claims
  assert.deepEqual(cnf, { 'x5t#S256': certificate.certificate.thumbprintSha256 })
  const dpop = [await proof(key, own.clock(), { htu: `${issuer}/oauth2/token` })]
  const bound = await post({ ...withAssertion(await assertion()), dpop })
  assert.equal(bound.json.token_type, 'DPoP')
  assert.ok(partsOf(tokenOf(bound)).claims.cnf.jkt)
  const workload = assertionClaims('', own.clock(), { iss: platform, sub: 'job-1', aud: issuer })
  const byPlatform = await post(withAssertion(await sign(key, workload), { client_id: 'workload' }))
  assert.equal(partsOf(tokenOf(byPlatform)).claims.sub, 'workload')
})

test('004-15: scope=undefined, which the sample sends once its error is passed over, is an invalid scope', async () => {
  const body = `grant_type=client_credentials&scope=${undefined}`
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  assertRefused(await ask({ basic: reader(), headers, body }), 400, 'invalid_scope')
})

test('004-19: every error is JSON with its status and application/json, for samples that read response.json()', async () => {
  const form = 'application/x-www-form-urlencoded'
  const replies = [
    await ask({ basic: [reader()[0], 'wrong'] }),
    await ask({ basic: reader(), body: { grant_type: 'nothing' } }),
    await ask({ basic: reader(), body: { ...grant, scope: 'admin' } }),
    await ask({ basic: reader(), body: { ...grant, resource: 'relative' } }),
    await ask({ basic: reader(), headers: { 'content-type': 'application/json' }, body: '{}' }),
    await ask({ basic: reader(), headers: { 'content-type': form }, body: '%zz' }),
    await ask({ method: 'GET', basic: reader() }),
    await server().request({ method: 'POST', host, url: '/oauth2/tokens' }),
    await server().request({ host, url: '/' }),
  ]
  for (const reply of replies) {
    assert.ok(reply.status >= 400 && reply.status < 500)
    assert.equal(reply.headers['Content-Type'], 'application/json')
    assert.equal(typeof reply.json.error, 'string')
  }
})

test('004-20: the form type is accepted without a charset and with UTF-8, in any case', async () => {
  for (const contentType of [
    'application/x-www-form-urlencoded',
    'application/x-www-form-urlencoded; charset=UTF-8',
    'application/x-www-form-urlencoded;charset=utf-8',
    'application/x-www-form-urlencoded; charset="utf-8"',
    'Application/X-WWW-Form-UrlEncoded',
  ]) {
    const headers = { 'content-type': contentType }
    const reply = await ask({ basic: reader(), headers, body: 'grant_type=client_credentials' })
    assert.equal(reply.status, 200, contentType)
  }
})
