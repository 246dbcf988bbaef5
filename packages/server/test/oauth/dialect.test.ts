// settled.md and product.md decision 1: what a dialect adds, who opts out, who is counted, and how it ends.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { findClient } from '../../src/store/apps.ts'
import { listDialectUses } from '../../src/store/dialect-uses.ts'
import { createTestServer, oneStore, startTestServer, type TestServer } from '../harness.ts'
import { assertError, assertInvalidClient, assertToken, freshAddress, grant } from './answers.ts'
import { app, blueprint, organization, type Part, tenant } from './sample.ts'

const dialect: Part = {
  request: {
    token_path: '/auth/token',
    multipart: true,
    default_grant_type: 'client_credentials',
    grant_type_header: true,
    query_credentials: { client_id: 'key', client_secret: 'secret' },
  },
  response: {
    token_type: 'bearer',
    members: {
      token_type: '${token_type}',
      access_token: '${access_token}',
      created_at: '${iat}',
      api: '${audience} of ${tenant.id}',
      unset: '${app.attributes.missing}',
    },
  },
  token: {
    header: { alg: '${alg}', kid: '${kid}' },
    claims: {
      sub: '${client_id}',
      owner: { uid: '${organization.attributes.uid}', none: '${organization.attributes.none}' },
      app_name: '${app.name}',
      scope: '${scopes}',
      grant_type: '${grant_type}',
      version: 2,
      list: ['${app.id}', '${app.attributes.tier}', '${app.attributes.none}'],
      text: 'a $${literal} and ${organization.name}',
      iat: '${iat}',
      iss: '${issuer}',
      plan: '${plan.id}',
      ttl: '${expires_in}',
      env: '${tenant.environment}',
    },
  },
}

const tenantWith = (id: string, settings: Part): Part =>
  tenant(id, [], {
    ...settings,
    organizations: [
      organization(
        'customer',
        [
          app('sync', { attributes: { tier: { level: 3 } } }),
          app('standard', { dialect: 'standard' }),
          app('upper', { token_type: 'Bearer' }),
        ],
        { attributes: { uid: 'u1' } },
      ),
    ],
  })

const text = blueprint(
  tenantWith('acme', { dialect, token_issuer: 'https://issuer.example/pool', access_token_seconds: 120 }),
  tenantWith('strict', {}),
  tenantWith('ending', { dialect: { ...dialect, deprecated: '2027-01-16', sunset: '2027-01-17' } }),
)
// The test clock begins at 2027-01-15T08:00:00Z.
const untilMidnight = 16 * 3600
const day = 24 * 3600

const multipart = (value: string) =>
  `--x\r\nContent-Disposition: form-data; name="grant_type"\r\n\r\n${value}\r\n--x--\r\n`

/** Each thing that a dialect allows, as a request that leans on nothing else. */
function leaningRequests(tenantId: string, basic: readonly [string, string]) {
  const post = { method: 'POST', url: `/${tenantId}/oauth2/token` }
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const [key, secret] = basic
  return {
    token_path: { ...post, url: `/${tenantId}/auth/token`, basic, body: grant },
    multipart: {
      ...post,
      basic,
      headers: { 'content-type': 'multipart/form-data; boundary=x' },
      body: multipart('client_credentials'),
    },
    default_grant_type: { ...post, basic },
    grant_type_header: { ...post, basic, headers: { ...form, grant_type: 'client_credentials' }, body: '' },
    query_credentials: { ...post, url: `${post.url}?key=${key}&secret=${secret}`, body: grant },
  } as const
}

const shapeOf = (reply: Awaited<ReturnType<TestServer['token']>>) => ({
  members: Object.keys(reply.json),
  header: Object.keys(decodeProtectedHeader(assertToken(reply))),
  claims: Object.keys(decodeJwt(assertToken(reply))),
  tokenType: reply.json.token_type,
})

const standardShape = {
  members: ['access_token', 'token_type', 'expires_in', 'scope'],
  header: ['alg', 'typ', 'kid'],
  claims: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id', 'scope', 'org_id', 'cred'],
  tokenType: 'Bearer',
}

test('product decision 1: every dialect feature works where it is set, and nowhere else', async (t) => {
  const server = await startTestServer(t, oneStore, text)
  const acme = leaningRequests('acme', server.credential('acme', 'sync'))
  const strict = leaningRequests('strict', server.credential('strict', 'sync'))
  for (const [feature, request] of Object.entries(acme)) {
    await t.test(`product decision 1: ${feature} is answered in the dialect`, async () => {
      assertToken(await server.request(request))
    })
  }
  for (const [feature, request] of Object.entries(strict)) {
    await t.test(`product decision 1: ${feature} without the dialect is refused`, async () => {
      const reply = await server.request(request)
      if (feature === 'token_path') assert.equal(reply.status, 404)
      else assertError(reply, 'invalid_request')
    })
  }

  await t.test('product decision 1: the dialect does not loosen anything else', async () => {
    const { query_credentials: query, multipart: parts, default_grant_type: bare } = acme
    const [key, secret] = server.credential('acme', 'sync')
    assert.equal((await server.request({ ...query, method: 'GET' })).status, 405)
    assertError(await server.request({ ...query, url: `${query.url}&secret=${secret}` }), 'invalid_request')
    assertError(await server.request({ ...query, basic: [key, secret] }), 'invalid_request')
    assertError(await server.request({ ...parts, body: multipart('password') }), 'unsupported_grant_type')
    assertError(await server.request({ ...parts, body: multipart('') }), 'invalid_request')
    assertError(
      await server.request({
        ...bare,
        body: 'grant_type=',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
      'invalid_request',
    )
    assertError(
      await server.request({ ...bare, headers: { 'content-type': 'application/json' }, body: '{}' }),
      'invalid_request',
    )
    assertInvalidClient(
      await server.request({
        ...query,
        url: `/acme/oauth2/token?key=${key}&secret=x`,
        clientAddress: freshAddress(),
      }),
    )
    assertInvalidClient(await server.request({ ...query, url: `/acme/oauth2/token?key=${key}` }))
  })

  await t.test(
    "trust 25: credentials in the URL under other names than the dialect's are refused as ever",
    async () => {
      const [key, secret] = server.credential('acme', 'sync')
      for (const query of [
        `client_id=${key}&client_secret=${secret}`,
        `key=${key}&secret=${secret}&client_secret=${secret}`,
        `key=${key}&secret=${secret}&access_token=x`,
      ]) {
        const reply = await server.request({
          method: 'POST',
          url: `/acme/oauth2/token?${query}`,
          body: grant,
        })
        assertError(reply, 'invalid_request')
        assert.ok(!reply.text.includes(secret))
      }
    },
  )
})

test('000-14, 001-14, 003-10 to 003-13: templates make the claims and the answer, in their order', async (t) => {
  const server = await startTestServer(t, oneStore, text)
  const reply = await server.token('acme', { basic: server.credential('acme', 'sync') })
  const token = assertToken(reply)
  const { access_token: _, ...members } = reply.json
  assert.deepEqual(members, {
    token_type: 'bearer',
    created_at: server.clock(),
    api: 'https://api.acme.example of acme',
  })
  assert.equal(reply.text.indexOf('"token_type"'), 1)
  assert.deepEqual(Object.keys(decodeProtectedHeader(token)), ['alg', 'kid'])
  const claims = decodeJwt(token)
  assert.deepEqual(claims, {
    sub: server.credential('acme', 'sync')[0],
    owner: { uid: 'u1' },
    app_name: 'The sync',
    scope: ['read', 'write'],
    grant_type: 'client_credentials',
    version: 2,
    list: ['sync', { level: 3 }],
    text: 'a ${literal} and The customer',
    iat: server.clock(),
    iss: 'https://issuer.example/pool',
    ttl: 120,
    env: 'test',
  })
  assert.deepEqual(Object.keys(claims), [
    ...[
      'sub',
      'owner',
      'app_name',
      'scope',
      'grant_type',
      'version',
      'list',
      'text',
      'iat',
      'iss',
      'ttl',
      'env',
    ],
  ])
})

test('002-12: an app can be standard in a tenant with a dialect, or have its own token_type', async (t) => {
  const server = await startTestServer(t, oneStore, text)
  const standard = server.credential('acme', 'standard')
  const reply = await server.token('acme', { basic: standard })
  assert.deepEqual(shapeOf(reply), standardShape)
  for (const [feature, request] of Object.entries(leaningRequests('acme', standard))) {
    const refused = await server.request(request)
    assertError(refused, 'invalid_request')
    assert.ok(!refused.text.includes(standard[1]), feature)
  }
  const upper = await server.token('acme', { basic: server.credential('acme', 'upper') })
  assert.equal(upper.json.token_type, 'Bearer')
  assert.deepEqual(Object.keys(upper.json), ['token_type', 'access_token', 'created_at', 'api'])
})

test('trust 25: a standard app that sends its secret in the URL of a dialect tenant is refused, and the secret flagged', async (t) => {
  const server = await startTestServer(t, oneStore, text)
  const standard = server.credential('acme', 'standard')
  assertError(await server.request(leaningRequests('acme', standard).query_credentials), 'invalid_request')
  const exposedAt = async () => (await findClient(server.db, 'acme', standard[0]))?.credentials[0]?.exposedAt
  while ((await exposedAt()) === null) await new Promise(setImmediate)
  assert.equal(await exposedAt(), server.clock())
})

test('RFC 6749 §2.3: a body that names another client than the URL is an invalid client', async (t) => {
  const server = await startTestServer(t, oneStore, text)
  const request = leaningRequests('acme', server.credential('acme', 'sync')).query_credentials
  const [other] = server.credential('acme', 'upper')
  assertInvalidClient(await server.request({ ...request, body: { ...grant, client_id: other } }))
})

test('RFC 9745, RFC 8594: a dialect with an end says so to those who lean on it, and then is gone', async (t) => {
  const server = await startTestServer(t, oneStore, text)
  const sync = server.credential('ending', 'sync')
  const requests = leaningRequests('ending', sync)
  const headersOf = async (request: Parameters<TestServer['request']>[0]) => {
    const reply = await server.request(request)
    assertToken(reply)
    return { deprecation: reply.headers.Deprecation, sunset: reply.headers.Sunset }
  }
  const announced = { deprecation: '@1800057600', sunset: 'Sun, 17 Jan 2027 00:00:00 GMT' }
  assert.equal(Date.parse(announced.sunset) / 1000 - day, 1_800_057_600)
  const plain = { method: 'POST', url: '/ending/oauth2/token', body: grant }
  for (const request of Object.values(requests)) assert.deepEqual(await headersOf(request), announced)
  const nothing = { deprecation: undefined, sunset: undefined }
  const standard = server.credential('ending', 'standard')
  assert.deepEqual(await headersOf({ ...plain, basic: standard }), nothing)
  assert.deepEqual(
    await headersOf({ ...plain, url: '/acme/oauth2/token', basic: server.credential('acme', 'sync') }),
    nothing,
  )

  await server.advance(untilMidnight + day - 1)
  assert.deepEqual(await headersOf({ ...plain, basic: sync }), announced)
  assert.equal(shapeOf(await server.token('ending', { basic: sync })).tokenType, 'bearer')
  await server.advance(1)
  assert.deepEqual(await headersOf({ ...plain, basic: sync }), nothing)
  assert.deepEqual(shapeOf(await server.token('ending', { basic: sync })), standardShape)
  for (const [feature, request] of Object.entries(requests)) {
    const reply = await server.request(request)
    if (feature === 'token_path') assert.equal(reply.status, 404, "the dialect's path outlived it")
    else assertError(reply, 'invalid_request')
  }
  // The other tenant's dialect has no end.
  assertToken(await server.request(leaningRequests('acme', server.credential('acme', 'sync')).token_path))
})

test('product decision 1: dialect features are counted for each app that leans on them', async (t) => {
  const ending: { server?: TestServer } = {}
  t.after(() => ending.server?.server.close())
  const { open, clock } = await oneStore.prepare(t)
  const server = await createTestServer({ db: await open(), clock, blueprints: [text] })
  ending.server = server
  const sync = server.credential('acme', 'sync')
  const upper = server.credential('acme', 'upper')
  const standard = server.credential('acme', 'standard')
  for (const request of Object.values(leaningRequests('acme', sync))) {
    assertToken(await server.request(request))
    assertToken(await server.request(request))
  }
  assertToken(await server.token('acme', { basic: upper }))
  assertToken(await server.token('acme', { basic: standard }))
  await server.request({ ...leaningRequests('acme', standard).query_credentials })
  assertInvalidClient(await server.token('acme', { basic: [sync[0], 'wrong'] }))
  assertToken(await server.token('strict', { basic: server.credential('strict', 'sync') }))
  await server.server.close()

  const db = await open()
  const uses = await listDialectUses(db, 'acme')
  const of = (clientId: string) =>
    Object.fromEntries(uses.filter((use) => use.clientId === clientId).map((use) => [use.feature, use.uses]))
  assert.deepEqual(of(sync[0]), {
    ...{ token_path: 2, multipart: 2, default_grant_type: 2, grant_type_header: 2, query_credentials: 2 },
    ...{ token_type: 10, response_members: 10, token_header: 10, token_claims: 10 },
  })
  assert.deepEqual(of(upper[0]), { response_members: 1, token_header: 1, token_claims: 1 })
  assert.deepEqual(of(standard[0]), {})
  assert.deepEqual(await listDialectUses(db, 'strict'), [])
})

test('trust R22: a template that cannot be filled in is told to the operator, with its place, and to nobody else', async (t) => {
  const shaped = tenant('acme', [app('sync')], {
    dialect: { token: { claims: { who: 'x-${app.attributes.tag}' } } },
  })
  const server = await startTestServer(t, oneStore, blueprint(shaped))
  const [clientId, secret] = server.credential('acme', 'sync')
  // No blueprint lets this in; a row of before the check may hold it.
  await server.db.write(async (tx) => {
    const settings = JSON.stringify({ scopes: { rest: ['read'] }, attributes: { tag: ['hidden'] } })
    await tx.kysely.updateTable('apps').set({ settings }).where('client_id', '=', clientId).execute()
    tx.append({ tenantId: 'acme', noun: 'app', subjectId: clientId })
  })
  const reply = await server.token('acme', { basic: [clientId, secret] })
  assert.equal(reply.status, 500)
  assert.equal(reply.json.error, 'server_error')
  const { reason, client_id: named } = server.logLines.at(-1) ?? {}
  assert.equal(
    reason,
    "the dialect's claims: who: only a string or a number can stand inside text: ${app.attributes.tag}",
  )
  assert.equal(named, clientId)
})
