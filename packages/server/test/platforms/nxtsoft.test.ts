// Document 001, NXTsoft: credentials in the body, an issuer on another host, tokens in the manner of Cognito.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { inspectToken } from '../../src/inspect/inspect-token.ts'
import { createSigner } from '../../src/keys/signer.ts'
import { openSigningKey } from '../../src/keys/signing-keys.ts'
import { insertSigningKey, listSigningKeys } from '../../src/store/signing-keys.ts'
import {
  around,
  assertRefused,
  blueprintOf,
  changed,
  grant,
  partsOf,
  shapeOf,
  sharedServer,
  tokenOf,
  withoutDialect,
} from './platforms.ts'

const nxtsoft = blueprintOf('nxtsoft')
const server = sharedServer([nxtsoft])
// An EC key in place of the RSA key: what these ask does not depend on it, and it is made at once.
const quick = changed(nxtsoft, 'signing_algorithm: RS256', 'signing_algorithm: ES256')
const both = sharedServer([changed(quick, '[transactions/post]', '[transactions/post, transactions/mock]')])
const standard = sharedServer([withoutDialect(quick)])

const host = 'auth.nxtsoft.localhost:8443'

/** The claims of the document's sample token; the slashes of its text are escaped, which JSON reads as the same. */
const sample = {
  sub: 'abcdefghijklmnopqrstuvwxyz',
  token_use: 'access',
  scope: 'transactions/post',
  auth_time: 1626364991,
  iss: 'https://cognito-idp.us-west-2.amazonaws.com/us-west-2_u566WmrPK',
  exp: 1626368591,
  iat: 1626364991,
  version: 2,
  jti: 'c17ca1bc-5a12-4133-8ced-21730f19d530',
  client_id: 'abcdefghijklmnopqrstuvwxyz',
}

const poster = () => server().credential('nxtsoft', 'payment-poster')
const formOf = ([clientId, clientSecret]: readonly [string, string], more: Record<string, string> = {}) => ({
  ...grant,
  client_id: clientId,
  client_secret: clientSecret,
  ...more,
})
const ask = (more: Record<string, string> = {}) =>
  server().request({ method: 'POST', host, url: '/oauth2/token', body: formOf(poster(), more) })

test('001-01: the token endpoint is /oauth2/token on a host of the provider, which answers for it alone', async () => {
  const reply = await ask()
  assert.equal(reply.status, 200)
  const elsewhere = { method: 'POST', body: formOf(poster()) }
  const atPath = await server().request({ ...elsewhere, host, url: '/nxtsoft/oauth2/token' })
  assert.equal(atPath.status, 404)
  const atOther = await server().request({ ...elsewhere, host: 'auth.nxtsoft.example', url: '/oauth2/token' })
  assert.equal(atOther.status, 404)
})

test('001-03: grant_type, client_id and client_secret stand in the body, in any order', async () => {
  const members = Object.entries(formOf(poster()))
  for (const [first, second, third] of [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ] as const) {
    const body = Object.fromEntries(
      [members[first], members[second], members[third]].filter((m) => m !== undefined),
    )
    assert.equal(Object.keys(body).length, 3)
    const reply = await server().request({ method: 'POST', host, url: '/oauth2/token', body })
    assert.equal(reply.status, 200, reply.text)
  }
})

test('001-04: without a scope parameter the token has all scopes that the app is granted', async () => {
  assert.equal(partsOf(tokenOf(await ask())).claims.scope, 'transactions/post')
  const body = formOf(both().credential('nxtsoft', 'payment-poster'))
  const reply = await both().token('nxtsoft', { body })
  assert.equal(partsOf(tokenOf(reply)).claims.scope, 'transactions/post transactions/mock')
})

test('001-05: what the printed curl really sends is an invalid_request, and the log says "empty value"', async () => {
  const body = 'grant_type=&client_id=&client_secret='
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const reply = await server().request({ method: 'POST', host, url: '/oauth2/token', headers, body })
  assertRefused(reply, 400, 'invalid_request')
  assert.equal(reply.json.error_description, 'grant_type was sent without a value.')
  const line = server().logLines.at(-1)
  assert.equal(line?.reason, 'empty value: grant_type, client_id, client_secret')
  assert.equal(typeof line?.request_id, 'string')
})

test('001-07: the answer has access_token, expires_in and token_type, in that order and nothing else', async () => {
  const reply = await ask()
  assert.equal(around(reply), '{"access_token":"…","expires_in":3600,"token_type":"Bearer"}')
})

test('001-07: without the dialect the answer has scope too, and never a refresh token', async () => {
  const body = formOf(standard().credential('nxtsoft', 'payment-poster'))
  const { json } = await standard().token('nxtsoft', { body })
  assert.deepEqual(Object.keys(json), ['access_token', 'token_type', 'expires_in', 'scope'])
})

test('001-08: expires_in is 3600 and token_type is Bearer', async () => {
  const { json } = await ask()
  assert.deepEqual([json.expires_in, json.token_type], [3600, 'Bearer'])
})

test('001-09: the header is kid, 44 characters of padded base64, then alg RS256, and has no typ', async () => {
  const { headerText, header } = partsOf(tokenOf(await ask()))
  assert.match(headerText, /^\{"kid":"[A-Za-z0-9+/]{43}=","alg":"RS256"\}$/)
  assert.equal(header.kid.length, 44)
})

test('001-09: a key id with =, + and / is the same in the key set, and verifiers find the key by it', async () => {
  const { json } = await server().request({ host, url: '/oauth2/jwks' })
  const token = tokenOf(await ask())
  assert.equal(json.keys[0].kid, partsOf(token).header.kid)
  const { payload } = await jwtVerify(token, createLocalJWKSet(json), {
    currentDate: new Date(server().clock() * 1000),
  })
  assert.equal(payload.client_id, poster()[0])

  const kid = 'imported+kid/with+padding/of+44+characters0='
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const { db, sealer } = both().store
  const publicJwk = Object.fromEntries(
    Object.entries(publicKey.export({ format: 'jwk' })).map(([name, value]) => [name, String(value)]),
  )
  const sealed = sealer.seal(
    privateKey.export({ format: 'der', type: 'pkcs8' }),
    `signing key nxtsoft ${kid}`,
  )
  await db.write((tx) =>
    insertSigningKey(tx, 'nxtsoft', {
      kid,
      algorithm: 'EdDSA',
      apiId: null,
      state: 'next',
      publicJwk,
      sealed,
    }),
  )
  const withImported = await both().request({ url: '/nxtsoft/oauth2/jwks' })
  assert.ok(withImported.text.includes(`"kid":"${kid}"`), withImported.text)
})

test('001-10: the signature is 256 bytes, of a 2048-bit RSA key', async () => {
  assert.equal(partsOf(tokenOf(await ask())).signature.length, 256)
  const { json } = await server().request({ host, url: '/oauth2/jwks' })
  assert.equal(Buffer.from(json.keys[0].n, 'base64url').length, 256)
})

test('001-11: sub equals client_id, 26 lower-case letters and digits', async () => {
  const { claims } = partsOf(tokenOf(await ask()))
  assert.match(claims.sub, /^[a-z0-9]{26}$/)
  assert.deepEqual([claims.sub, claims.client_id], [poster()[0], poster()[0]])
})

test('001-12: token_use is access', async () => {
  assert.equal(partsOf(tokenOf(await ask())).claims.token_use, 'access')
})

test('001-13: scope is one text and its names may hold a slash', async () => {
  assert.equal(partsOf(tokenOf(await ask({ scope: 'transactions/post' }))).claims.scope, 'transactions/post')
})

test('001-14: auth_time equals iat, and exp is 3600 seconds later', async () => {
  const { auth_time, iat, exp } = partsOf(tokenOf(await ask())).claims
  assert.deepEqual([auth_time, iat, exp], [server().clock(), server().clock(), server().clock() + 3600])
})

test('001-15: iss is on another host than the token endpoint, while the metadata names the URL it is served under', async () => {
  const atPath = await server().token('nxtsoft', { body: formOf(poster()) })
  for (const reply of [await ask(), atPath]) assert.equal(partsOf(tokenOf(reply)).claims.iss, sample.iss)
  const metadata = await server().request({ host, url: '/.well-known/oauth-authorization-server' })
  assert.equal(metadata.json.issuer, 'https://auth.nxtsoft.localhost:8443')
  assert.equal(metadata.json.token_endpoint, 'https://auth.nxtsoft.localhost:8443/oauth2/token')
})

test('001-16: version is the number 2 and jti a UUID of each token', async () => {
  const first = partsOf(tokenOf(await ask())).claims
  const second = partsOf(tokenOf(await ask())).claims
  assert.equal(first.version, 2)
  assert.match(first.jti, /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
  assert.notEqual(first.jti, second.jti)
})

test('001-11, 001-12, 001-14, 001-16: the claims are those of the sample token, in its order and of its types', async () => {
  assert.deepEqual(shapeOf(partsOf(tokenOf(await ask())).claims), shapeOf(sample))
})

test('001-17: there is no aud and no nbf; without the dialect there is aud', async () => {
  const { claims } = partsOf(tokenOf(await ask()))
  assert.deepEqual([claims.aud, claims.nbf], [undefined, undefined])
  const body = formOf(standard().credential('nxtsoft', 'payment-poster'))
  const plain = partsOf(tokenOf(await standard().token('nxtsoft', { body }))).claims
  assert.equal(plain.aud, 'https://api.nxtsoft.example')
})

test('001-18: a token whose claims escape their slashes is read like any other', async () => {
  const { db, sealer } = both().store
  await both().request({ url: '/nxtsoft/oauth2/jwks' })
  const record = (await listSigningKeys(db, 'nxtsoft')).find(({ algorithm }) => algorithm === 'ES256')
  assert.ok(record)
  const signer = createSigner(record.kid, 'ES256', openSigningKey(sealer, 'nxtsoft', record))
  const [clientId] = both().credential('nxtsoft', 'payment-poster')
  // The sample is older than the app, which would make its token one of another app by that id.
  const now = both().clock()
  const own = { ...sample, sub: clientId, client_id: clientId, iat: now, auth_time: now, exp: now + 3_600 }
  const claims = JSON.stringify(own).replaceAll('/', '\\/')
  const parts = [JSON.stringify({ kid: record.kid, alg: 'ES256' }), claims]
  const signingInput = parts.map((part) => Buffer.from(part).toString('base64url')).join('.')
  const token = `${signingInput}.${await signer.sign(signingInput)}`
  const report = await inspectToken(token, { db, sealer, now })
  assert.deepEqual([report.isGood, report.claims?.iss], [true, sample.iss])
})

test('001-20: transactions/mock stands beside transactions/post, and an app gets only what it is granted', async () => {
  const { json } = await server().request({ host, url: '/.well-known/oauth-authorization-server' })
  assert.deepEqual(json.scopes_supported, ['transactions/mock', 'transactions/post'])
  assertRefused(await ask({ scope: 'transactions/mock' }), 400, 'invalid_scope')
  assertRefused(await ask({ scope: 'transactions/post transactions/mock' }), 400, 'invalid_scope')
  const body = formOf(server().credential('nxtsoft', 'message-checker'), { scope: 'transactions/mock' })
  const reply = await server().token('nxtsoft', { body })
  assert.equal(partsOf(tokenOf(reply)).claims.scope, 'transactions/mock')
})

test('001-21: the client acts for itself: no consent, no user, no refresh token', async () => {
  const { json } = await ask({ username: 'someone', consent: 'yes' })
  assert.deepEqual([json.refresh_token, json.id_token], [undefined, undefined])
  const { claims } = partsOf(json.access_token)
  assert.deepEqual([claims.username, claims.email, claims.sub], [undefined, undefined, poster()[0]])
})
