/** RFC 7662 and RFC 9701: what an API hears of a token, and what it does not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import { saveApp } from '../../src/store/apps.ts'
import { revoke } from '../../src/store/revocations.ts'
import { oneStore, startTestServer, type TestServer } from '../harness.ts'
import { asksFor, asksForJson } from './accept-spellings.ts'
import { assertError, assertInvalidClient, assertUnavailable } from './answers.ts'
import { assertActive, assertInactive, introspect, resourceServer, tokenOf } from './ends.ts'
import { lateFeed } from './late-feed.ts'
import { app, blueprint, restApi, tenant } from './sample.ts'

const otherApi = { id: 'billing', audience: 'https://billing.acme.example', scopes: { pay: 'Pay' } }
const apps = [
  app('sync'),
  app('both', { scopes: { rest: ['read'], billing: ['pay'] }, default_api: 'billing' }),
  resourceServer,
  app('billing-api', { scopes: {}, introspects: ['billing'] }),
  app('stranger'),
]
const text = blueprint(
  tenant('acme', apps, { apis: [restApi, otherApi] }),
  tenant('neighbour', [app('sync'), resourceServer]),
)

const start = (t: Parameters<typeof startTestServer>[0]): Promise<TestServer> =>
  startTestServer(t, oneStore, text)

test('RFC 7662 §2.2: of a token that lives the API hears its claims, its client and its scope', async (t) => {
  const server = await start(t)
  const token = await tokenOf(server)
  const reply = await introspect(server, token)
  assertActive(reply)
  const [clientId] = server.credential('acme', 'sync')
  assert.deepEqual(reply.json, {
    active: true,
    ...decodeJwt(token),
    scope: 'read write',
    client_id: clientId,
    token_type: 'Bearer',
  })
})

test('RFC 7662 §4, trust 108: an API hears nothing of a token for another API, an app that is none hears nothing at all', async (t) => {
  const server = await start(t)
  const token = await tokenOf(server, 'both')
  assertActive(await introspect(server, token, { basic: server.credential('acme', 'billing-api') }))
  assertInactive(await introspect(server, token))
  assertInactive(await introspect(server, token, { basic: server.credential('acme', 'stranger') }))
  assertInactive(await introspect(server, token, { basic: server.credential('acme', 'both') }))
})

test('trust 108, F20: a token of one tenant is nothing at another', async (t) => {
  const server = await start(t)
  const token = await tokenOf(server)
  assertInactive(await introspect(server, token, {}, 'neighbour'))
  assertActive(await introspect(server, token))
})

test('trust F17, 108: whatever is cut, altered, or spelled otherwise is no token', async (t) => {
  const server = await start(t)
  const token = await tokenOf(server)
  assertActive(await introspect(server, token))
  const flipped = (index: number) => {
    const character = token[index] === 'A' ? 'B' : 'A'
    return token.slice(0, index) + character + token.slice(index + 1)
  }
  const places = Array.from({ length: 40 }, (_, step) => Math.floor((step * token.length) / 40))
  const altered = [
    ...Array.from({ length: 20 }, (_, cut) => token.slice(0, -1 - cut)),
    ...places.map(flipped),
    `${token}A`,
    `${token}=`,
    ` ${token}`,
    token.toUpperCase(),
    token.split('.').slice(0, 2).join('.'),
    'garbage',
  ]
  for (const text of altered) assertInactive(await introspect(server, text))
})

test('RFC 7662 §2.2: an expired token is none, to the second', async (t) => {
  const server = await start(t)
  const token = await tokenOf(server)
  await server.advance(599)
  assertActive(await introspect(server, token))
  await server.advance(1)
  assertInactive(await introspect(server, token))
})

test('trust F18: a token of a later time than now is none, but for the clocks of two nodes', async (t) => {
  const server = await start(t)
  const token = await tokenOf(server)
  await server.advance(-60)
  assertActive(await introspect(server, token))
  await server.advance(-1)
  assertInactive(await introspect(server, token))
})

test('trust F6: a token whose tenant leaves the organization out dies with it all the same', async (t) => {
  const claims = {
    sub: '${client_id}',
    client_id: '${client_id}',
    aud: '${audience}',
    exp: '${exp}',
    iat: '${iat}',
  }
  const untold = tenant('acme', [app('sync'), resourceServer], { dialect: { token: { claims } } })
  const server = await startTestServer(t, oneStore, blueprint(untold))
  const token = await tokenOf(server)
  assert.equal(decodeJwt(token).org_id, undefined)
  await server.db.write((tx) => revoke(tx, 'acme', { kind: 'organization', subjectId: 'elsewhere' }))
  assertActive(await introspect(server, token))
  await server.db.write((tx) => revoke(tx, 'acme', { kind: 'organization', subjectId: 'customer' }))
  assertInactive(await introspect(server, token))
})

test('trust 106, 107: without authentication it is a 401, without a token an invalid request', async (t) => {
  const server = await start(t)
  const token = await tokenOf(server)
  const url = '/acme/oauth2/introspect'
  assertInvalidClient(await server.request({ method: 'POST', url, body: { token } }))
  const [clientId] = server.credential('acme', 'api')
  assertInvalidClient(await introspect(server, token, { basic: [clientId, 'wrong'] }))
  const basic = server.credential('acme', 'api')
  assertError(await server.request({ method: 'POST', url, basic, body: {} }), 'invalid_request')
})

test('RFC 7662 §2.1: a client that proves nothing is told nothing, and a blueprint that lets it ask is refused', async (t) => {
  const open = { ...resourceServer, client_id: 'open', client_authentication: ['none'], credentials: [] }
  await assert.rejects(
    startTestServer(t, oneStore, blueprint(tenant('acme', [open]))),
    /introspects.*: found .*none.*, expected/,
  )
  const server = await start(t)
  const [clientId] = server.credential('acme', 'api')
  const settings = { client_authentication: ['none'], introspects: ['rest'] }
  const row = { clientId, id: 'api', organizationId: 'customer', name: 'API', settings }
  await server.db.write((tx) => saveApp(tx, 'acme', row))
  const body = { token: await tokenOf(server), client_id: clientId }
  assertInvalidClient(await server.request({ method: 'POST', url: '/acme/oauth2/introspect', body }))
  assertInvalidClient(await server.request({ method: 'POST', url: '/acme/oauth2/revocations', body }))
})

test('trust 109, 110: a wrong hint does not matter, and only POST is answered', async (t) => {
  const server = await start(t)
  const token = await tokenOf(server)
  const url = '/acme/oauth2/introspect'
  const basic = server.credential('acme', 'api')
  const body = { token, token_type_hint: 'refresh_token' }
  assertActive(await server.request({ method: 'POST', url, basic, body }))
  const get = await server.request({ url: `${url}?callback=x`, basic })
  assert.equal(get.status, 405)
  assert.equal(get.headers.Allow, 'POST')
})

test('RFC 9701 §5: who asks for it gets the answer signed, for itself, and of a type that is no access token', async (t) => {
  const server = await start(t)
  const token = await tokenOf(server)
  const headers = { accept: 'application/token-introspection+jwt' }
  const signed = await introspect(server, token, { headers })
  assert.equal(signed.headers['Content-Type'], 'application/token-introspection+jwt')
  assert.equal(signed.headers['Cache-Control'], 'no-store')
  const { json: keys } = await server.request({ url: '/acme/oauth2/jwks' })
  const [clientId] = server.credential('acme', 'api')
  const { payload } = await jwtVerify(signed.text, createLocalJWKSet(keys), {
    issuer: 'https://localhost:8443/acme',
    audience: clientId,
    typ: 'token-introspection+jwt',
    currentDate: new Date(server.clock() * 1000),
  })
  assert.deepEqual(Object.keys(payload), ['iss', 'aud', 'iat', 'token_introspection'])
  assert.deepEqual(payload.token_introspection, (await introspect(server, token)).json)
  const inactive = await introspect(server, 'garbage', { headers })
  assert.deepEqual(decodeJwt(inactive.text).token_introspection, { active: false })
  // RFC 8725 §3.11: signed by the same key, and no token all the same.
  assertInactive(await introspect(server, signed.text))
})

test('RFC 9110 §12.5.1: the signed answer is for whoever names it, in any case, and prefers nothing else', async (t) => {
  const server = await start(t)
  const typeFor = async (accept: string | undefined) => {
    const headers = accept === undefined ? {} : { accept }
    return (await introspect(server, 'garbage', { headers })).headers['Content-Type']
  }
  const signed = 'application/token-introspection+jwt'
  for (const accept of asksFor(signed)) assert.equal(await typeFor(accept), signed, accept)
  for (const accept of asksForJson(signed)) assert.equal(await typeFor(accept), 'application/json', accept)
})

test('RFC 8414 §2: metadata names the endpoints and what they take', async (t) => {
  const server = await start(t)
  const { json } = await server.request({ url: '/acme/.well-known/oauth-authorization-server' })
  assert.equal(json.introspection_endpoint, 'https://localhost:8443/acme/oauth2/introspect')
  assert.equal(json.revocation_endpoint, 'https://localhost:8443/acme/oauth2/revoke')
  assert.deepEqual(
    json.introspection_endpoint_auth_methods_supported,
    json.token_endpoint_auth_methods_supported,
  )
  assert.deepEqual(json.introspection_signing_alg_values_supported, ['ES256'])
})

test('000-17, settled: an HS512 token, which only the server can verify, is told of; a dialect without audience is for every API', async (t) => {
  const hidden = { ...restApi, signing_algorithm: 'HS512' }
  const claims = { sub: '${client_id}', scope: '${scopes}', iat: '${iat}' }
  const bare = { dialect: { token: { header: { alg: '${alg}' }, claims } } }
  const server = await startTestServer(
    t,
    oneStore,
    blueprint(
      tenant('acme', apps.slice(0, 1).concat(resourceServer), { apis: [hidden] }),
      tenant('bare', [app('sync'), app('standard', { dialect: 'standard' }), resourceServer], bare),
    ),
  )
  assertActive(await introspect(server, await tokenOf(server)))
  const token = await tokenOf(server, 'sync', 'bare')
  const reply = await introspect(server, token, {}, 'bare')
  assertActive(reply)
  assert.equal(reply.json.scope, 'read write')
  assert.equal(reply.json.client_id, server.credential('bare', 'sync')[0])
  await server.advance(10_000_000)
  assertActive(await introspect(server, token, {}, 'bare'))
  const standard = await tokenOf(server, 'standard', 'bare')
  assertActive(await introspect(server, standard, {}, 'bare'))
  await server.advance(600)
  assertInactive(await introspect(server, standard, {}, 'bare'))
})

test('trust 114: with the news of revocations cut off nobody is told that a token lives', async (t) => {
  let isGone = false
  const server = await startTestServer(
    t,
    oneStore,
    text,
    {},
    lateFeed(() => (isGone ? 10 : 0)),
  )
  const token = await tokenOf(server)
  assertActive(await introspect(server, token))
  isGone = true
  assertUnavailable(await introspect(server, token))
})
