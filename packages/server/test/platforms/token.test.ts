// Document 003, Token: credentials in the URL, an answer of two members, tokens with an owner and without an end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { inspectToken } from '../../src/inspect/inspect-token.ts'
import { removeApp } from '../../src/store/apps.ts'
import { listCredentials } from '../../src/store/credentials.ts'
import { listDialectUses } from '../../src/store/dialect-uses.ts'
import { createTestServer, forEachStore, startTestServer, type TestReply } from '../harness.ts'
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

const blueprint = blueprintOf('token')
// An EC key in place of the RSA key: what these ask does not depend on it, and it is made at once.
const quick = changed(blueprint, 'signing_algorithm: RS256', 'signing_algorithm: ES256')
const server = sharedServer([blueprint, blueprintOf('tokenos')])
const standard = sharedServer([withoutDialect(quick)])

/** Credentials in the document's own form: 32 letters and digits each. */
const key32 = 'ExampleKeyExampleKeyExampleKey01'
const secret32 = 'ExampleSecretExampleSecretEx0002'
const old = sharedServer(
  [
    changed(
      changed(quick, 'name: My App\n', `name: My App\n            client_id: ${key32}\n`),
      'secret: generated',
      'secret: { from_env: OLD_SECRET }',
    ),
  ],
  { OLD_SECRET: secret32 },
)
const ending = sharedServer([
  changed(quick, '    dialect:\n', '    dialect:\n      deprecated: 2026-12-01\n      sunset: 2027-02-01\n'),
])

const host = 'api.token.localhost:8443'
const myApp = () => server().credential('token', 'my-app')
const urlOf = ([key, secret]: readonly [string, string], more = '') =>
  `/auth/token?key=${key}&secret=${secret}${more}`
/** As curl sends it: no body, no Content-Type. */
const ask = (more = '', client = myApp()): Promise<TestReply> =>
  server().request({ method: 'POST', host, url: urlOf(client, more) })
const claimsOf = async (reply: Promise<TestReply>) => partsOf(tokenOf(await reply)).claims

/** How an app's credentials have been exposed. The flag is written after the answer; writes happen one by one. */
async function exposures(tenantId: string, clientId: string): Promise<(string | null)[]> {
  const { db } = server()
  await db.write(async () => {})
  return (await listCredentials(db, tenantId, clientId)).map(({ exposedBy }) => exposedBy)
}

/** The claims of the document's sample token, with invented values where its own belong to somebody. */
const sample = {
  sub: key32,
  owner: { uid: 'exampleUid0001', uname: 'example', uavatar: '//www.gravatar.com/avatar/0?d=identicon' },
  app_name: 'My App',
  scope: ['notarization:*', 'storage:*', 'ipfs:*', 'streams:*', 'connect:*', 'infura:*', 'cluster:*', 'sso'],
  aud: 'https://developers.token-project.eu',
  grant_type: 'client_credentials',
  iat: 1606787228,
}

forEachStore((_engine, suite) => {
  test('003-01: credentials belong to one app of one organization, and nothing in a request changes that', async (t) => {
    const own = await startTestServer(t, suite, quick)
    const apps = [
      ['my-app', 'exampleUid0001', 'My App'],
      ['storage-reader', 'exampleUid0001', 'Storage reader'],
      ['stamp-reader', 'exampleUid0002', 'Stamp reader'],
    ] as const
    for (const [app, uid, name] of apps) {
      const [key, secret] = own.credential('token', app)
      const url = `${urlOf([key, secret])}&uid=exampleUid0002&organization=sample-archive&app_name=Other`
      const { claims } = partsOf(tokenOf(await own.request({ method: 'POST', host, url })))
      assert.deepEqual([claims.sub, claims.owner.uid, claims.app_name], [key, uid, name])
    }
    const [key] = own.credential('token', 'my-app')
    const [, foreign] = own.credential('token', 'stamp-reader')
    const mixed = await own.request({ method: 'POST', host, url: urlOf([key, foreign]) })
    assertRefused(mixed, 401, 'invalid_client')
  })

  test('003-02: the moment the app is deleted, the token endpoint refuses it', async (t) => {
    const own = await startTestServer(t, suite, quick)
    const client = own.credential('token', 'my-app')
    const request = () => own.request({ method: 'POST', host, url: urlOf(client) })
    tokenOf(await request())
    await own.db.write((tx) => removeApp(tx, 'token', client[0]))
    assertRefused(await request(), 401, 'invalid_client')
    const neighbour = own.credential('token', 'storage-reader')
    tokenOf(await own.request({ method: 'POST', host, url: urlOf(neighbour) }))
  })

  test('003-02, 003-16: "revoked immediately by deleting the App": its tokens, which never expire, are dead in introspection and named in the feed', async (t) => {
    const own = await startTestServer(t, suite, quick)
    const client = own.credential('token', 'my-app')
    const api = own.credential('token', 'resource-server')
    const token = tokenOf(await own.request({ method: 'POST', host, url: urlOf(client) }))
    const neighbour = own.credential('token', 'storage-reader')
    const another = tokenOf(await own.request({ method: 'POST', host, url: urlOf(neighbour) }))
    const introspect = (text: string) =>
      own.request({ method: 'POST', host, url: '/oauth2/introspect', basic: api, body: { token: text } })
    await own.advance(365 * 86_400)
    assert.equal((await introspect(token)).json.active, true)
    await own.db.write((tx) => removeApp(tx, 'token', client[0]))
    assert.equal((await introspect(token)).text, '{"active":false}')
    assert.equal((await introspect(another)).json.active, true)
    // A verifier that knows neither jti nor exp finds it by sub and iat.
    const { json } = await own.request({ host, url: '/oauth2/revocations', basic: api })
    assert.deepEqual(json.revocations, [{ kind: 'app', id: client[0], issued_until: own.clock() + 5 }])
    assert.ok(json.claims.app.includes('sub'))
  })

  test('003-02: a token that is kept for reuse does not outlive its app either', async (t) => {
    const own = await startTestServer(t, suite, blueprintOf('nitrobox'))
    const client = own.credential('nitrobox', 'billing-sync')
    tokenOf(await own.token('nitrobox', { basic: client }))
    await own.db.write((tx) => removeApp(tx, 'nitrobox', client[0]))
    assertRefused(await own.token('nitrobox', { basic: client }), 401, 'invalid_client')
  })

  test('003-06: what an app leans on beyond the standard is counted for that app', async (t) => {
    const { open, clock } = await suite.prepare(t)
    const own = await createTestServer({ db: await open(), clock, blueprints: [quick] })
    const [key, secret] = own.credential('token', 'my-app')
    const [other] = own.credential('token', 'stamp-reader')
    for (let count = 0; count < 3; count++) {
      tokenOf(await own.request({ method: 'POST', host, url: urlOf([key, secret]) }))
    }
    await own.server.close()
    const uses = await listDialectUses(await open(), 'token')
    const counted = Object.fromEntries(
      uses.map(({ clientId, feature, uses: count }) => [`${clientId} ${feature}`, count]),
    )
    const features = [
      'token_path',
      'default_grant_type',
      'query_credentials',
      'token_type',
      'response_members',
    ]
    for (const feature of features) assert.equal(counted[`${key} ${feature}`], 3, feature)
    assert.ok(uses.every(({ clientId }) => clientId !== other))
  })
})

test('003-04: key and secret in the query string, 32 letters and digits each, and nothing else: a token', async () => {
  assert.match(key32 + secret32, /^[A-Za-z0-9]{64}$/)
  const reply = await old().request({ method: 'POST', host, url: urlOf([key32, secret32]) })
  assert.equal(partsOf(tokenOf(reply)).claims.sub, key32)
})

test('003-04: the keys that the server generates have the 32 letters and digits of the document', async () => {
  assert.match(myApp()[0], /^[A-Za-z0-9]{32}$/)
  tokenOf(await ask())
})

test('003-04: the standard endpoint and the standard request work beside it', async () => {
  const body = await server().request({ method: 'POST', host, url: '/oauth2/token', body: grant })
  assertRefused(body, 401, 'invalid_client')
  tokenOf(await server().token('token', { basic: myApp() }))
  const [client_id, client_secret] = myApp()
  tokenOf(
    await server().request({
      method: 'POST',
      host,
      url: '/auth/token',
      body: { ...grant, client_id, client_secret },
    }),
  )
})

test('003-04: a scope in the URL beside key and secret is refused, because all of them would be given', async () => {
  const url = `${urlOf([key32, secret32])}&scope=storage:*`
  const reply = await old().request({ method: 'POST', host, url })
  assertRefused(reply, 400, 'invalid_request')
  assert.equal(reply.json.error_description, 'Send scope in the body: it was sent in the URL.')
})

test('003-05: without the dialect the same request is refused, says why, and repeats nothing', async () => {
  const [key, secret] = server().credential('tokenos', 'dashboard-reader')
  for (const url of [
    `/tokenos/oauth2/token?key=${key}&secret=${secret}`,
    `/tokenos/oauth2/token?client_id=${key}&client_secret=${secret}`,
  ]) {
    const reply = await server().request({ method: 'POST', url })
    assertRefused(reply, 400, 'invalid_request')
    assert.match(reply.json.error_description, /^Credentials must not be in the URL/)
    assert.ok(!JSON.stringify(reply).includes(secret))
  }
  assert.deepEqual(await exposures('tokenos', key), ['query_string'])
})

test('003-05: with the dialect, names that are not its own stay forbidden in the URL', async () => {
  const [key, secret] = server().credential('token', 'stamp-reader')
  for (const query of [`client_id=${key}&client_secret=${secret}`, `key=${key}&client_secret=${secret}`]) {
    const reply = await server().request({ method: 'POST', host, url: `/auth/token?${query}` })
    assertRefused(reply, 400, 'invalid_request')
    assert.match(reply.json.error_description, /^Credentials must not be in the URL/)
  }
  assert.deepEqual(await exposures('token', key), ['query_string'])
})

test('003-06: neither key, secret nor query string is in any log line or metric, and no cache keeps the answer', async () => {
  const [key, secret] = myApp()
  const reply = await ask()
  assert.deepEqual([reply.headers['Cache-Control'], reply.headers.Pragma], ['no-store', 'no-cache'])
  await ask('', [key, `${secret}x`])
  await ask('', [`${key}x`, secret])
  await ask('&scope=nothing')
  const text = JSON.stringify(server().logLines) + (await server().server.metrics.render()).body
  assert.ok(!text.includes(secret))
  assert.doesNotMatch(text, /secret=|key=/)
})

test('003-06: GET is refused, though a browser would send it', async () => {
  const reply = await server().request({ method: 'GET', host, url: urlOf(myApp()) })
  assert.deepEqual([reply.status, reply.headers.Allow], [405, 'POST'])
})

test('003-06: a dialect with an end date says so in every answer, and from that day the standard answers', async () => {
  const client = ending().credential('token', 'my-app')
  const request = () => ending().request({ method: 'POST', host, url: urlOf(client) })
  const before = await request()
  tokenOf(before)
  assert.equal(before.headers.Deprecation, `@${Date.UTC(2026, 11, 1) / 1000}`)
  assert.equal(before.headers.Sunset, 'Mon, 01 Feb 2027 00:00:00 GMT')
  await ending().advance(Date.UTC(2027, 1, 1) / 1000 - ending().clock())
  assert.equal((await request()).status, 404)
  const atStandardPath = urlOf(client).replace('/auth/', '/token/oauth2/')
  assertRefused(await ending().request({ method: 'POST', url: atStandardPath }), 400, 'invalid_request')
  const plain = await ending().token('token', { basic: client })
  assert.deepEqual(Object.keys(plain.json), ['access_token', 'token_type', 'expires_in', 'scope'])
})

test('003-07: the answer has token_type bearer, then access_token, and no expires_in', async () => {
  assert.equal(around(await ask()), '{"token_type":"bearer","access_token":"…"}')
})

test('003-08: the header as the document prints it is called malformed', async () => {
  const [, claims, signature] = tokenOf(await ask()).split('.')
  const printed = `eyJhbGciOiJSUzI1N324rR5cCI6IkpXVCJ9.${claims}.${signature}`
  const { db, sealer } = server().store
  const report = await inspectToken(printed, { db, sealer, now: server().clock() })
  assert.equal(report.isGood, false)
  assert.match(report.problems[0] ?? '', /^Malformed header/)
})

test('003-09: RS256, 256 bytes of signature, no kid; one key in the key set verifies it', async () => {
  const token = tokenOf(await ask())
  const { headerText, signature } = partsOf(token)
  assert.equal(headerText, '{"alg":"RS256","typ":"JWT"}')
  assert.ok(token.startsWith('eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.'))
  assert.equal(signature.length, 256)
  const { json } = await server().request({ host, url: '/oauth2/jwks' })
  await jwtVerify(token, createLocalJWKSet(json))
})

test('003-10: sub is the app key', async () => {
  assert.equal((await claimsOf(ask())).sub, myApp()[0])
})

test('003-11: owner has uid, uname and uavatar; without the dialect no token has any of it', async () => {
  const { owner } = await claimsOf(ask())
  assert.deepEqual(Object.keys(owner), ['uid', 'uname', 'uavatar'])
  assert.match(owner.uavatar, /^\/\/www\.gravatar\.com\/avatar\/[0-9a-f]{32}\?d=identicon$/)
  const client = standard().credential('token', 'my-app')
  const plain = partsOf(tokenOf(await standard().token('token', { basic: client }))).claimsText
  assert.doesNotMatch(plain, /owner|gravatar|exampleUid/)
})

test('003-12: app_name and grant_type are claims', async () => {
  const { app_name, grant_type } = await claimsOf(ask())
  assert.deepEqual([app_name, grant_type], ['My App', 'client_credentials'])
})

test('003-13: scope is an array of the eight scopes, in the order of the document', async () => {
  assert.deepEqual((await claimsOf(ask())).scope, sample.scope)
})

test('003-14: a wildcard opens what is below it and nothing else', async () => {
  for (const scope of ['notarization:read', 'notarization:stamps:write', 'notarization:*', 'sso']) {
    const body = { ...grant, scope }
    const claims = await claimsOf(server().token('token', { basic: myApp(), body }))
    assert.deepEqual(claims.scope, [scope])
  }
  const refused = [
    'notarizationx:read',
    'notarization',
    'notarization:',
    'sso:read',
    '*',
    'notarization.*',
    'notarization:stamps:*',
    'n:*',
    '.*:*',
  ]
  for (const scope of refused) {
    const reply = await server().token('token', { basic: myApp(), body: { ...grant, scope } })
    assertRefused(reply, 400, 'invalid_scope')
  }
})

test('003-14: an app that holds storage:read cannot obtain storage:*', async () => {
  const basic = server().credential('token', 'storage-reader')
  for (const scope of ['storage:*', 'storage:write', 'storage:read storage:*', 'storage:read:*']) {
    const reply = await server().token('token', { basic, body: { ...grant, scope } })
    assertRefused(reply, 400, 'invalid_scope')
  }
  assert.deepEqual((await claimsOf(server().token('token', { basic }))).scope, ['storage:read'])
})

test('003-15: aud is the developer portal, not the host that was called', async () => {
  assert.equal((await claimsOf(ask())).aud, 'https://developers.token-project.eu')
})

test('003-16: there is no exp, iss, jti or nbf; without the dialect there are the first three', async () => {
  const { exp, iss, jti, nbf } = await claimsOf(ask())
  assert.deepEqual([exp, iss, jti, nbf], [undefined, undefined, undefined, undefined])
  const client = standard().credential('token', 'my-app')
  const plain = partsOf(tokenOf(await standard().token('token', { basic: client }))).claims
  assert.deepEqual([typeof plain.exp, typeof plain.iss, typeof plain.jti], ['number', 'string', 'string'])
})

test('003-10, 003-11, 003-12, 003-13: the claims are those of the sample token, in its order and of its types', async () => {
  const claims = await claimsOf(ask())
  assert.deepEqual(shapeOf(claims), shapeOf(sample))
  assert.equal(claims.iat, server().clock())
})

test('003-18: a shell variable that was not filled in is recognized', async () => {
  const { db, sealer } = server().store
  const report = await inspectToken('$BEARER_TOKEN', { db, sealer, now: server().clock() })
  assert.match(report.problems[0] ?? '', /shell variable.*double quotes/)
})
