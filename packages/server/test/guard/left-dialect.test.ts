// issue Watermarks: what was issued in a dialect outlives it, and dies by the same cut-offs as before.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { GuardOptions } from '@sallyport/guard'
import { removeApp } from '../../src/store/apps.ts'
import { revoke } from '../../src/store/revocations.ts'
import { loadTenant, saveTenant } from '../../src/store/tenants.ts'
import { oneStore, startTestServer, type TestServer } from '../harness.ts'
import {
  assertActive,
  assertInactive,
  introspect,
  resourceServer,
  revokeToken,
  tokenOf,
} from '../oauth/ends.ts'
import { app, blueprint, organization, restApi, tenant } from '../oauth/sample.ts'
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

async function leaveDialect(server: TestServer): Promise<void> {
  await server.db.write(async (tx) => {
    const record = await loadTenant(tx, 'acme')
    assert.ok(record !== null)
    const { dialect: _, ...settings } = record.settings as Readonly<Record<string, unknown>>
    await saveTenant(tx, 'acme', { ...record, settings })
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
  await leaveDialect(server)
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
