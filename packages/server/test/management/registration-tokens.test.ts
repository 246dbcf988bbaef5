// Issue 5, 1; peers 16: who gives out registration tokens, what they can give, and how many there can be.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { most } from '../../src/management/bounds.ts'
import { addRegistrationToken } from '../../src/store/registration-tokens.ts'
import { forEachStore, oneStore } from '../harness.ts'
import {
  assertProblem,
  change,
  type Manager,
  manager,
  organizationPlace,
  startManaged,
  tenantPlace,
} from './managed.ts'
import { acme, customer, made } from './people.ts'

const path = `${customer}/registration-tokens`
const place = organizationPlace('acme', 'customer')
const give = (caller: Manager, terms: object = {}) =>
  caller.call('POST', path, { body: { name: 'Machines', ...terms } })

forEachStore((_engine, suite) => {
  test('issue 5, 1: a registration token is shown once, for one app and one day unless it says more; only a digest is kept', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const { json } = made(await give(operator))
    const { token, id, ...rest } = json
    assert.match(token, /^sp_iat_\w{49}$/)
    const shown = {
      ...{ organization: 'customer', name: 'Machines', registrations: 1, registered: 0 },
      ...{ expires_at: server.clock() + 86_400, created_at: server.clock() },
    }
    assert.deepEqual(rest, shown)
    assert.deepEqual((await operator.call('GET', `${path}/${id}`)).json, { id, ...shown })
    assert.deepEqual((await operator.call('GET', path)).json.items, [{ id, ...shown }])
    const row = await server.db.kysely.selectFrom('registration_tokens').selectAll().executeTakeFirstOrThrow()
    assert.deepEqual(Buffer.from(row.digest), createHash('sha256').update(token).digest())
    const chain = (await operator.call('GET', `${acme}/audit-records`)).text
    for (const text of [chain, JSON.stringify(server.logLines)]) assert.ok(!text.includes(token))
    const elsewhere = `${acme}/organizations/globex/registration-tokens`
    assertProblem(await operator.call('GET', `${elsewhere}/${id}`), 404, 'not_found')
    assert.deepEqual((await operator.call('GET', elsewhere)).json.items, [])
    assertProblem(await operator.call('DELETE', `${elsewhere}/${id}`), 404, 'not_found')
    assert.equal((await operator.call('DELETE', `${path}/${id}`)).status, 204)
    assert.deepEqual((await operator.call('GET', path)).json.items, [])
  })

  test('trust F24: a token is the organization’s: it lives on with what was given when its maker may do nothing any more', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const maker = await manager(server, ['tenant_admin'], tenantPlace('acme'))
    const scopes = { rest: ['read', 'write'] }
    const { token, id } = made(await give(maker, { scopes, registrations: 2 })).json
    const membership = `/tenants/acme/memberships/app:${maker.clientId}`
    assert.equal((await operator.call('DELETE', membership)).status, 204)
    assertProblem(await give(maker, { scopes }), 404, 'not_found')
    const register = () =>
      server.request({
        ...{ method: 'POST', url: '/acme/oauth2/register', authorization: [`Bearer ${token}`], body: '{}' },
        headers: { 'content-type': 'application/json' },
      })
    assert.equal((await register()).json.scope, 'read write')
    // Whoever looks for what the maker has left finds it, and takes it back.
    const { json } = await operator.call(
      'GET',
      `/tenants/acme/audit-records?action=createRegistrationToken&actor=app%20${maker.clientId}`,
    )
    const targets = json.items.map(({ target }: { readonly target: string }) => target)
    assert.ok(targets.includes(`registration token ${id}`), targets.join())
    assert.equal((await operator.call('DELETE', `${path}/${id}`)).status, 204)
    assert.equal((await register()).status, 401)
  })

  test('trust R12: an organization has a hundred registration tokens at most', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    await server.db.write(async (tx) => {
      const terms = { organizationId: 'customer', name: 'Old', terms: {}, registrations: 1, expiresAt: 1 }
      for (let index = 0; index < most.registrationTokens; index++)
        await addRegistrationToken(tx, 'acme', {
          ...terms,
          id: `reg_${index}`,
          digest: Buffer.alloc(32, index),
        })
    })
    assertProblem(await give(operator), 409, 'conflict')
    assert.equal((await operator.call('DELETE', `${path}/reg_0`)).status, 204)
    made(await give(operator))
    const first = await operator.call('GET', `${path}?limit=60`)
    const second = await operator.call('GET', `${path}?limit=60&cursor=${first.json.next_cursor}`)
    assert.equal(first.json.items.length + second.json.items.length, most.registrationTokens)
    assert.equal(second.json.next_cursor, null)
  })
})

test('trust F21: nobody gives more than the plan of the organization, and its admin not even more than that', async (t) => {
  const server = await startManaged(t, oneStore)
  const operator = await manager(server)
  const admin = await manager(server, ['organization_admin'], place)
  const scopes = { rest: ['read'] }
  // Without a plan it is the provider who says.
  assertProblem(await give(admin, { scopes }), 403, 'forbidden')
  made(await give(operator, { scopes: { rest: ['read', 'write'] } }))
  assert.equal((await change(operator, customer, { plan: 'reader' })).status, 200)
  made(await give(admin, { scopes }))
  assertProblem(await give(admin, { scopes: { rest: ['write'] } }), 403, 'forbidden')
  assertProblem(await give(operator, { scopes: { rest: ['write'] } }), 400, 'invalid_body')
  assertProblem(await give(operator, { scopes: { other: ['read'] } }), 400, 'invalid_body')
  assertProblem(await give(operator, { scopes: { rest: ['unknown'] } }), 400, 'invalid_body')
})

test('trust F21: who joins a plan registers apps within it, and who has left one none with the scopes of it', async (t) => {
  const server = await startManaged(t, oneStore)
  const operator = await manager(server)
  const admin = await manager(server, ['organization_admin'], place)
  const wide = made(await give(operator, { scopes: { rest: ['read', 'write'] } })).json.token
  await change(operator, customer, { plan: 'reader' })
  const scopes = { rest: ['read'] }
  const ofPlan = made(await give(admin, { scopes })).json.token
  const ofProvider = made(await give(operator, { scopes })).json.token
  const register = (token: string, body = '{}') =>
    server.request({
      ...{ method: 'POST', url: '/acme/oauth2/register', authorization: [`Bearer ${token}`], body },
      headers: { 'content-type': 'application/json' },
    })
  assert.equal((await register(wide)).json.scope, 'read')
  await change(operator, customer, { plan: 'free' })
  assert.equal((await register(ofPlan, '{"scope":"read"}')).status, 400)
  assert.equal((await register(ofPlan)).json.scope, undefined)
  assert.equal((await register(ofProvider)).json.scope, 'read')
})

test('trust F24: what a token can do is what its maker may do: apps with credentials, and nothing in the tenant system', async (t) => {
  const server = await startManaged(t, oneStore)
  const staff = await manager(server, ['staff'], place)
  assertProblem(await give(staff), 403, 'forbidden')
  const operator = await manager(server)
  for (const more of [
    { is_granted: true },
    { grant_types: [] },
    { registered: -1 },
    { registrations: 0 },
    { registrations: 1001 },
  ])
    assertProblem(await give(operator, more), 400, 'invalid_body')
  for (const method of ['none', 'federation'])
    assertProblem(await give(operator, { client_authentication: [method] }), 400, 'invalid_body')
  const system = '/tenants/system/organizations/operators/registration-tokens'
  assertProblem(await operator.call('POST', system, { body: { name: 'Mine' } }), 409, 'conflict')
})

test('RFC 9449 §5.2: a token can demand of every app that it binds its tokens to a key, and prove itself as it says', async (t) => {
  const server = await startManaged(t, oneStore)
  const operator = await manager(server)
  const terms = { sender_constraint: 'dpop', client_authentication: ['client_secret_post'], registrations: 9 }
  const { token } = made(await give(operator, terms)).json
  const register = (metadata: object) =>
    server.request({
      ...{ method: 'POST', url: '/acme/oauth2/register', authorization: [`Bearer ${token}`] },
      ...{ headers: { 'content-type': 'application/json' }, body: JSON.stringify(metadata) },
    })
  const method = { token_endpoint_auth_method: 'client_secret_post' }
  assert.equal((await register({})).json.error, 'invalid_client_metadata')
  const bound = { ...method, tls_client_certificate_bound_access_tokens: true }
  assert.equal((await register(bound)).json.error, 'invalid_client_metadata')
  assert.equal((await register(method)).json.dpop_bound_access_tokens, true)
})
