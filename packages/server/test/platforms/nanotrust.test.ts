// Document 000, NanoTrust: Basic without encoding, six hours, HS512, scopes that nobody asked for, created_at.
import assert from 'node:assert/strict'
import { createHmac, createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import { inspectToken } from '../../src/inspect/inspect-token.ts'
import { openSigningKey } from '../../src/keys/signing-keys.ts'
import { listSigningKeys } from '../../src/store/signing-keys.ts'
import { basic } from '../harness.ts'
import {
  around,
  assertRefused,
  blueprintOf,
  changed,
  grant,
  partsOf,
  sharedServer,
  tokenOf,
  withoutDialect,
} from './platforms.ts'

const nanotrust = blueprintOf('nanotrust')
const server = sharedServer([nanotrust])

/** The platform moves in: its keys and secrets exist already, and one app's lifetime is its own. */
const moved = [
  ['access_token_seconds: 21600', 'access_token_seconds: 600'],
  ['    dialect:\n', '    dialect:\n      request:\n        grant_type_header: true\n'],
  [
    'name: Sensor gateway\n',
    'name: Sensor gateway\n            client_id: GATEWAY+KEY\n            access_token_seconds: 21600\n',
  ],
  [
    'secret: generated\n',
    'secret: { from_env: OLD_SECRET }\n              - id: newer\n                secret: { from_env: NEWER_SECRET }\n',
  ],
  ['name: Catalogue reader\n', 'name: Catalogue reader\n            grant_types: []\n'],
].reduce((text, [from = '', to = '']) => changed(text, from, to), nanotrust)
const secrets = { OLD_SECRET: 'pass+word/with%every%thing', NEWER_SECRET: 'base64+/aGVsbG8%2B0123==' }
const imported = sharedServer([moved], secrets)

const standard = sharedServer([withoutDialect(nanotrust)])
const key = () => server().credential('nanotrust', 'sensor-gateway')
const ask = (body: Record<string, string> = grant) => server().token('nanotrust', { basic: key(), body })

test('000-04: a client of OpenID Connect finds the discovery document and the key set', async () => {
  const discovery = await server().request({ url: '/nanotrust/.well-known/openid-configuration' })
  assert.equal(discovery.json.issuer, 'https://localhost:8443/nanotrust')
  assert.equal(discovery.json.jwks_uri, 'https://localhost:8443/nanotrust/oauth2/jwks')
  assert.deepEqual(discovery.json.scopes_supported, ['openid', 'public', 'profile', 'email'])
  assert.deepEqual(discovery.json.subject_types_supported, ['public'])
  const keys = await server().request({ url: '/nanotrust/oauth2/jwks' })
  assert.equal(keys.status, 200)
})

test('000-06: key and secret in a Basic header work as they are, whatever characters the secret holds', async () => {
  for (const secret of Object.values(secrets)) {
    const reply = await imported().token('nanotrust', { basic: ['GATEWAY+KEY', secret] })
    assert.equal(partsOf(tokenOf(reply)).claims.sub, 'GATEWAY+KEY')
    for (const other of [`${secret}=`, secret.replace('+', ' '), secret.slice(0, -1)]) {
      const refused = await imported().token('nanotrust', { basic: ['GATEWAY+KEY', other] })
      assertRefused(refused, 401, 'invalid_client')
    }
  }
})

test('000-07: the documented request is answered with 200 and JSON', async () => {
  const reply = await server().request({
    method: 'POST',
    url: '/nanotrust/oauth2/token',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    authorization: [basic(...key())],
    body: 'grant_type=client_credentials',
  })
  assert.equal(reply.status, 200)
  assert.equal(reply.headers['Content-Type'], 'application/json')
})

test('000-08: grant_type as a header only is refused with a hint that names the mistake', async () => {
  const headers = { grant_type: 'client_credentials' }
  const form = { ...headers, 'content-type': 'application/x-www-form-urlencoded' }
  for (const request of [
    { headers: form, body: '' },
    { headers: form, body: 'scope=openid' },
    { headers, body: '' },
  ]) {
    const reply = await server().token('nanotrust', { basic: key(), ...request })
    assertRefused(reply, 400, 'invalid_request')
    assert.equal(
      reply.json.error_description,
      'grant_type is missing from the body; it was sent as a header.',
    )
  }
})

test('000-08: a tenant whose dialect says so reads grant_type from the header, with a form or without a body', async () => {
  const headers = { grant_type: 'client_credentials' }
  const credentials = { basic: ['GATEWAY+KEY', secrets.OLD_SECRET] } as const
  tokenOf(await imported().token('nanotrust', { ...credentials, headers, body: { scope: 'openid' } }))
  tokenOf(await imported().token('nanotrust', { ...credentials, headers, body: '' }))
  const body = { grant_type: 'password' }
  assertRefused(
    await imported().token('nanotrust', { ...credentials, headers, body }),
    400,
    'unsupported_grant_type',
  )
})

test('000-09: the password grant of the Ruby sample is not supported, whatever it carries', async () => {
  const body = { grant_type: 'password', username: 'someone@nanotrust.example', password: 'a password' }
  const reply = await ask(body)
  assertRefused(reply, 400, 'unsupported_grant_type')
  assert.doesNotMatch(reply.text, /someone|a password/)
})

test('000-10: token_type is Bearer and expires_in is the number 21600', async () => {
  const reply = await ask()
  assert.match(reply.text, /"token_type":"Bearer","expires_in":21600,/)
  const { claims } = partsOf(tokenOf(reply))
  assert.equal(claims.exp - claims.iat, 21600)
})

test('000-10: six hours can be set for one app where the tenant has another lifetime', async () => {
  const reply = await imported().token('nanotrust', { basic: ['GATEWAY+KEY', secrets.OLD_SECRET] })
  assert.equal(reply.json.expires_in, 21600)
})

test('000-11, 000-12: there is no refresh token and no ID token, for nobody has signed in', async () => {
  const { json } = await ask({ ...grant, scope: 'openid' })
  assert.equal(json.scope, 'openid')
  assert.deepEqual([json.refresh_token, json.id_token], [undefined, undefined])
})

test('000-13: the answer lists "openid public profile email" although none was asked for', async () => {
  const reply = await ask()
  assert.equal(reply.json.scope, 'openid public profile email')
  assert.equal(partsOf(tokenOf(reply)).claims.scope, 'openid public profile email')
  const narrow = await ask({ ...grant, scope: 'email openid' })
  assert.equal(narrow.json.scope, 'email openid')
})

test('000-14: created_at is a whole number of seconds and the moment the token was issued', async () => {
  const reply = await ask()
  const { iat } = partsOf(tokenOf(reply)).claims
  assert.equal(
    around(reply),
    `{"access_token":"…","token_type":"Bearer","expires_in":21600,"scope":"openid public profile email","created_at":${iat}}`,
  )
  assert.equal(iat, server().clock())
})

test('000-15: the token begins with the 16 characters of the document and is signed with HS512', async () => {
  const token = tokenOf(await ask())
  assert.ok(token.startsWith('eyJhbGciOiJIUzUx'))
  const { db, sealer } = server().store
  const record = (await listSigningKeys(db, 'nanotrust')).find(({ algorithm }) => algorithm === 'HS512')
  assert.ok(record)
  assert.equal(record.apiId, 'nanotrust')
  const secretKey = openSigningKey(sealer, 'nanotrust', record)
  assert.ok((secretKey.symmetricKeySize ?? 0) >= 64)
  const signingInput = token.slice(0, token.lastIndexOf('.'))
  const signature = createHmac('sha512', secretKey).update(signingInput).digest('base64url')
  assert.equal(token, `${signingInput}.${signature}`)
})

test('000-15: the key set never offers the HS512 key, in no tenant and no form', async () => {
  const token = tokenOf(await ask())
  const keys = await server().request({ url: '/nanotrust/oauth2/jwks' })
  assert.deepEqual(
    keys.json.keys.map(({ kty, alg }: Record<string, string>) => [kty, alg]),
    [['EC', 'ES256']],
  )
  assert.ok(!keys.text.includes(partsOf(token).header.kid))
  const discovery = await server().request({ url: '/nanotrust/.well-known/openid-configuration' })
  assert.doesNotMatch(discovery.text, /HS512/)
})

test('000-15: a token signed with HS512 under the published key is worth nothing', async () => {
  const { json } = await server().request({ url: '/nanotrust/oauth2/jwks' })
  const [jwk] = json.keys
  const [, claims = ''] = tokenOf(await ask()).split('.')
  const { db, sealer, clock } = { ...server().store, clock: server().clock }
  const now = clock()
  const pem = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' })
  const der = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' })
  const header = Buffer.from(JSON.stringify({ alg: 'HS512', kid: jwk.kid })).toString('base64url')
  for (const secret of [pem, der, JSON.stringify(jwk), jwk.x, '']) {
    const signature = createHmac('sha512', secret).update(`${header}.${claims}`).digest('base64url')
    const report = await inspectToken(`${header}.${claims}.${signature}`, { db, sealer, now })
    assert.equal(report.isGood, false)
    assert.equal(report.tenantId, null)
  }
  const genuine = await inspectToken(tokenOf(await ask()), { db, sealer, now })
  assert.deepEqual([genuine.isGood, genuine.tenantId], [true, 'nanotrust'])
})

test('000-16: the header is alg, then kid, and has no typ', async () => {
  assert.match(partsOf(tokenOf(await ask())).headerText, /^\{"alg":"HS512","kid":"[\w-]{22}"\}$/)
})

test('000-18: the answer is one JSON object, braces included', async () => {
  const { text, json } = await ask()
  assert.equal(text, JSON.stringify(json))
})

test('000-19: the errors that the document leaves out are those of RFC 6749 §5.2', async () => {
  const [clientId] = key()
  const wrong = await server().token('nanotrust', { basic: [clientId, 'not-the-secret'] })
  assertRefused(wrong, 401, 'invalid_client')
  assert.equal(wrong.headers['WWW-Authenticate'], 'Basic realm="https://localhost:8443/nanotrust"')
  assertRefused(await ask({ ...grant, scope: 'openid admin' }), 400, 'invalid_scope')
  const basicOfReader = imported().credential('nanotrust', 'catalogue-reader')
  assertRefused(await imported().token('nanotrust', { basic: basicOfReader }), 400, 'unauthorized_client')
})

test('000-13, 000-14, 000-16: without the dialect the answer and the header are those of the standard', async () => {
  const credentials = standard().credential('nanotrust', 'sensor-gateway')
  const reply = await standard().token('nanotrust', { basic: credentials })
  assert.deepEqual(Object.keys(reply.json), ['access_token', 'token_type', 'expires_in', 'scope'])
  assert.deepEqual(Object.keys(partsOf(tokenOf(reply)).header), ['alg', 'typ', 'kid'])
  assert.equal(partsOf(tokenOf(reply)).header.typ, 'at+jwt')
})
