// issue Watermarks: what was issued in a dialect outlives it, and dies by the same cut-offs as before.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { GuardOptions } from '@sallyport/guard'
import { removeApp } from '../../src/store/apps.ts'
import { revoke } from '../../src/store/revocations.ts'
import { loadTenant, saveTenant } from '../../src/store/tenants.ts'
import { compileFormerDialects } from '../../src/tenants/dialect.ts'
import { oneStore, startTestServer, type TestServer } from '../harness.ts'
import {
  assertActive,
  assertInactive,
  introspect,
  resourceServer,
  revokeToken,
  tokenOf,
} from '../oauth/ends.ts'
import { app, blueprint, organization, type Part, restApi, tenant } from '../oauth/sample.ts'
import { guardOf, settle } from './guarded.ts'

// Document 003: no end, no name of its own, and its app by the subject alone.
const bare = {
  header: { alg: '${alg}', typ: 'JWT' },
  claims: { sub: '${client_id}', aud: '${audience}', scope: '${scopes}', iat: '${iat}' },
}
const bareTokens: GuardOptions['tokens'] = {
  type: 'jwt',
  acceptMissing: ['kid', 'iss', 'exp', 'jti'],
  claimNames: { clientId: 'sub' },
}

const guardFor = async (t: TestContext, server: TestServer, more: Partial<GuardOptions> = {}) => {
  const audience = String(restApi.audience)
  const guard = guardOf(t, server, { tenantId: 'acme', apiApp: 'api', audience, ...more })
  await settle()
  return async (token: string): Promise<string> => {
    const decision = await guard.check(token)
    return decision.isAllowed ? 'allowed' : decision.reason
  }
}

/** Left out, the tenant answers as the standard says from now on. */
async function changeDialect(server: TestServer, dialect?: Part): Promise<void> {
  await server.db.write(async (tx) => {
    const record = await loadTenant(tx, 'acme')
    assert.ok(record !== null)
    const { dialect: _, ...settings } = record.settings as Part
    await saveTenant(tx, 'acme', { ...record, settings: { ...settings, ...(dialect && { dialect }) } })
  })
  await settle()
}

test('issue Watermarks: a token of a dialect that its tenant has left dies with its app, and by its own revocation', async (t) => {
  const apps = [app('sync', { client_id: 'sync' }), app('gone', { client_id: 'gone' }), app('late')]
  const text = blueprint(tenant('acme', [...apps, resourceServer], { dialect: { token: bare } }))
  const server = await startTestServer(t, oneStore, text)
  const tokens = { of: await tokenOf(server, 'sync'), gone: await tokenOf(server, 'gone') }
  const another = await tokenOf(server, 'late')
  await server.db.write((tx) => removeApp(tx, 'acme', 'gone'))
  await server.advance(10)
  await changeDialect(server)
  const check = await guardFor(t, server, { tokens: bareTokens })
  assert.equal(await check(tokens.gone), 'revoked_app')
  assertInactive(await introspect(server, tokens.gone))
  assert.equal(await check(tokens.of), 'allowed')
  assertActive(await introspect(server, tokens.of))
  // RFC 7009 §2.2: 200 says that it is dead.
  assert.equal((await revokeToken(server, tokens.of)).status, 200)
  await settle()
  assert.equal(await check(tokens.of), 'revoked_token')
  assert.equal(await check(another), 'allowed')
  await server.db.write((tx) => removeApp(tx, 'acme', server.credential('acme', 'late')[0]))
  await settle()
  assert.equal(await check(another), 'revoked_app')
})

const common = { iss: '${issuer}', aud: '${audience}', exp: '${exp}', iat: '${iat}', jti: '${jti}' }
// No name of the standard for whatever a cut-off may go by.
const renamed = {
  header: { alg: '${alg}', typ: 'acme+jwt', kid: '${kid}' },
  claims: { ...common, app: '${client_id}', firm: '${organization.id}', key: '${credential_id}' },
}
const renamedTokens: GuardOptions['tokens'] = {
  type: 'acme+jwt',
  acceptMissing: ['sub'],
  claimNames: { clientId: 'app' },
}
const twoSecrets = [
  { id: 'main', secret: 'generated' },
  { id: 'spare', secret: 'generated' },
]

for (const [kind, subjectId] of [
  ['app', 'sync'],
  ['organization', 'customer'],
  ['credential', 'sync main'],
] as const)
  test(`issue Watermarks: a token that names its ${kind} as no dialect of its tenant does any more dies with it`, async (t) => {
    const sync = app('sync', { client_id: 'sync', credentials: twoSecrets })
    const organizations = [organization('customer', [sync]), organization('platform', [resourceServer])]
    const text = blueprint(tenant('acme', [], { dialect: { token: renamed }, organizations }))
    const server = await startTestServer(t, oneStore, text)
    const token = await tokenOf(server, 'sync')
    const spare = await tokenOf(server, 'sync', 'acme', 'spare')
    await server.advance(10)
    // Two changes later, of which the second leaves tokens as they are.
    await changeDialect(server)
    await changeDialect(server, { request: { multipart: true } })
    const check = await guardFor(t, server, { tokens: renamedTokens })
    assert.equal(await check(token), 'allowed')
    assertActive(await introspect(server, token))
    await server.db.write((tx) => revoke(tx, 'acme', { kind, subjectId }))
    await settle()
    assert.equal(await check(token), `revoked_${kind}`)
    assertInactive(await introspect(server, token))
    assert.equal(await check(spare), kind === 'credential' ? 'allowed' : `revoked_${kind}`)
  })

test('issue Watermarks: where the left dialect named neither organization nor credential, guards hear of the apps', async (t) => {
  const claims = { ...common, sub: '${client_id}', client_id: '${client_id}', scope: '${scope}' }
  const sync = app('sync', { client_id: 'sync', credentials: twoSecrets })
  const organizations = [organization('customer', [sync]), organization('platform', [resourceServer])]
  const text = blueprint(tenant('acme', [], { dialect: { token: { claims } }, organizations }))
  const server = await startTestServer(t, oneStore, text)
  const [first, second] = [await tokenOf(server), await tokenOf(server)]
  await server.advance(10)
  await changeDialect(server)
  const check = await guardFor(t, server)
  assert.equal(await check(first), 'allowed')
  await server.db.write((tx) => revoke(tx, 'acme', { kind: 'credential', subjectId: 'sync main' }))
  await settle()
  assert.equal(await check(first), 'revoked_app')
  await server.advance(10)
  const later = await tokenOf(server, 'sync', 'acme', 'spare')
  assert.equal(await check(later), 'allowed')
  await server.db.write((tx) => revoke(tx, 'acme', { kind: 'organization', subjectId: 'customer' }))
  await settle()
  for (const token of [second, later]) {
    assert.equal(await check(token), 'revoked_app')
    assertInactive(await introspect(server, token))
  }
})

test('issue Watermarks: claims that have kept their names and changed their meaning are read as they were meant then', async (t) => {
  const before = { ...common, sub: '${organization.id}', client_id: '${client_id}' }
  const after = { ...common, sub: '${client_id}', client_id: '${app.id}' }
  const apps = [app('sync', { client_id: 'a-client' }), resourceServer]
  const server = await startTestServer(
    t,
    oneStore,
    blueprint(tenant('acme', apps, { dialect: { token: { claims: before } } })),
  )
  const old = await tokenOf(server)
  await server.advance(10)
  await changeDialect(server, { token: { claims: after } })
  await server.advance(10)
  const recent = await tokenOf(server)
  for (const token of [old, recent]) {
    const reply = await introspect(server, token)
    assertActive(reply)
    assert.equal(reply.json.client_id, 'a-client')
    assert.equal((await revokeToken(server, token)).status, 200)
    assertInactive(await introspect(server, token))
  }
})

test('issue Watermarks: a left dialect is forgotten with the last key that may have signed in it', () => {
  const left = { formerDialects: [{ token: renamed, until: 10 }], apis: [] }
  const remembered = (...createdAt: number[]) =>
    compileFormerDialects({ ...left, signingKeys: createdAt.map((at) => ({ createdAt: at })) }).length
  assert.deepEqual([remembered(9), remembered(10, 11), remembered(11), remembered()], [1, 1, 0, 0])
  const settings = { scopes: {}, token_format: 'opaque' }
  const apis = [{ id: 'rest', audience: 'https://rest.example', settings, blueprint: null }]
  // No key has signed an opaque token, so the end of all keys is not its end.
  assert.equal(compileFormerDialects({ ...left, apis, signingKeys: [{ createdAt: 11 }] }).length, 1)
})

test('issue Watermarks: a dialect that was tried, left and taken up again is known for each of its times', async (t) => {
  const [one, other] = [
    { ...common, sub: '${organization.id}', client_id: '${client_id}' },
    { ...common, sub: '${client_id}', client_id: '${app.id}' },
  ].map((claims) => ({ token: { claims } }))
  const apps = [app('sync', { client_id: 'a-client' }), resourceServer]
  const server = await startTestServer(t, oneStore, blueprint(tenant('acme', apps, { dialect: one })))
  const tokens = [await tokenOf(server)]
  for (const dialect of [other, one, undefined]) {
    await server.advance(10)
    await changeDialect(server, dialect)
    await server.advance(10)
    tokens.push(await tokenOf(server))
  }
  for (const token of tokens) {
    const reply = await introspect(server, token)
    assertActive(reply)
    assert.equal(reply.json.client_id, 'a-client')
  }
})

test('issue Watermarks: a token without an optional claim of its dialect is none of the standard', async (t) => {
  const claims = {
    ...{ ...common, sub: '${client_id}', client_id: '${app.id}', scope: '${scope}' },
    ...{ org_id: '${organization.name}', cred: '${credential_id}', tier: '${organization.attributes.tier}' },
  }
  const apps = [app('sync', { client_id: 'a-client' }), resourceServer]
  const server = await startTestServer(
    t,
    oneStore,
    blueprint(tenant('acme', apps, { dialect: { token: { claims } } })),
  )
  const reply = await introspect(server, await tokenOf(server))
  assertActive(reply)
  assert.equal(reply.json.client_id, 'a-client')
})

test('issue Watermarks: an app that has left its tenant’s dialect dies with its organization, whatever the dialect calls so', async (t) => {
  const claims = {
    ...{ iss: '${issuer}', sub: '${organization.id}', aud: '${audience}', client_id: '${client_id}' },
    ...{ exp: '${exp}', iat: '${iat}', jti: '${jti}', scope: '${scope}', org_id: '${organization.name}' },
    cred: '${credential_id}',
  }
  const sync = app('sync', { client_id: 'sync', dialect: 'standard' })
  const organizations = [organization('customer', [sync]), organization('platform', [resourceServer])]
  const text = blueprint(tenant('acme', [], { dialect: { token: { claims } }, organizations }))
  const server = await startTestServer(t, oneStore, text)
  const check = await guardFor(t, server)
  const token = await tokenOf(server, 'sync')
  assert.equal(await check(token), 'allowed')
  assertActive(await introspect(server, token))
  await server.db.write((tx) => revoke(tx, 'acme', { kind: 'organization', subjectId: 'customer' }))
  await settle()
  assert.equal(await check(token), 'revoked_organization')
  assertInactive(await introspect(server, token))
})
