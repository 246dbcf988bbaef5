// trust F19, F24, R12: what somebody who may do a little tries, to do more, to stay, to lock out or to hold up.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wholeServer } from '../../src/management/authorize.ts'
import { addTenant, loadTenant } from '../../src/store/tenants.ts'
import { forEachStore, oneStore } from '../harness.ts'
import { overtaken } from '../store/overtaken.ts'
import { assertProblem, change, manager, organizationPlace, startManaged, tenantPlace } from './managed.ts'
import { appOf, customerApps } from './people.ts'

const customer = organizationPlace('acme', 'customer')

forEachStore((_engine, suite) => {
  test('trust F24: a token of few scopes cannot change who manages, however mighty its app is', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const scopes = 'read_apps manage_apps manage_api_credentials manage_tenants read_tenants'
    const weak = await manager(server, ['operator'], wholeServer, scopes)
    const path = `/tenants/system/apps/${operator.clientId}`
    assertProblem(
      await weak.call('POST', `${path}/credentials`, { body: { secret: 'generated' } }),
      403,
      'forbidden',
    )
    assertProblem(await weak.call('POST', `${path}/rotate-secret`, { body: {} }), 403, 'forbidden')
    assertProblem(await weak.call('DELETE', path), 403, 'forbidden')
    assertProblem(await change(weak, '/tenants/system', { access_token_seconds: 86_400 }), 403, 'forbidden')
  })

  test('decision 0019: whoever is shut out while asking is out: of grants on their way none is made after it', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const friend = await manager(server, [], tenantPlace('umbrella'))
    const admin = await manager(server, ['tenant_admin'], tenantPlace('acme'))
    const removal = operator.call('DELETE', `/tenants/acme/memberships/app:${admin.clientId}`)
    const grants = Array.from({ length: 5 }, () =>
      admin.call('POST', '/tenants/acme/memberships', {
        body: { member: `app:${friend.clientId}`, roles: ['tenant_admin'] },
      }),
    )
    assert.equal((await removal).status, 204)
    const statuses = (await Promise.all(grants)).map(({ status }) => status)
    const later = await admin.call('GET', '/tenants/acme')
    assertProblem(later, 404, 'not_found')
    const members = (await operator.call('GET', '/tenants/acme/memberships')).json.items.length
    assert.equal(members, statuses.filter((status) => status === 201).length)
    assert.ok(statuses.filter((status) => status === 201).length <= 1, statuses.join(' '))
  })

  test('trust F19: an organization cannot take away the limits that the provider has set on its apps', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const admin = await manager(server, ['organization_admin'], customer)
    const path = appOf(server, 'sync')
    const limits = { access_token_seconds: 60, sender_constraint: 'dpop', attributes: { blocked: true } }
    assert.equal((await change(operator, path, limits)).status, 200)
    for (const name of Object.keys(limits))
      assertProblem(await change(admin, path, { [name]: null }), 403, 'forbidden')
    assert.equal((await change(admin, path, { name: 'Still mine' })).status, 200)
  })

  test('trust F14: whoever was cut off does not let itself in again, nor by making it anew', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const admin = await manager(server, ['organization_admin'], customer)
    const owner = await manager(server, ['tenant_admin'], tenantPlace('acme'))
    const path = appOf(server, 'sync')
    assert.equal((await change(operator, `${path}/credentials/main`, { disabled: true })).status, 200)
    assertProblem(await change(admin, `${path}/credentials/main`, { disabled: false }), 403, 'forbidden')
    assert.equal((await change(operator, path, { disabled: true })).status, 200)
    assertProblem(await change(admin, path, { disabled: null }), 403, 'forbidden')
    assertProblem(await admin.call('DELETE', path), 403, 'forbidden')
    assert.equal((await change(operator, '/tenants/acme', { disabled: true })).status, 200)
    assertProblem(await change(owner, '/tenants/acme', { disabled: null }), 403, 'forbidden')
  })

  test('trust F14: an organization made again under the name of one that is gone has none of its members', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const admin = await manager(server, ['organization_admin'], customer)
    assert.equal((await operator.call('DELETE', '/tenants/acme/organizations/customer')).status, 204)
    const again = { id: 'customer', name: 'Others' }
    assert.equal((await operator.call('POST', '/tenants/acme/organizations', { body: again })).status, 201)
    assertProblem(await admin.call('GET', '/tenants/acme/organizations/customer'), 404, 'not_found')
  })

  test('trust F20: a tenant made again under the name of one that is gone does not hear what was done there', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    assert.equal((await operator.call('DELETE', '/tenants/umbrella')).status, 204)
    await server.advance(1)
    const body = { id: 'umbrella', name: 'Others', environment: 'test' }
    assert.equal((await operator.call('POST', '/tenants', { body })).status, 201)
    const auditor = await manager(server, ['auditor'], tenantPlace('umbrella'))
    const { json } = await auditor.call('GET', '/tenants/umbrella/audit-records')
    const actions: readonly string[] = json.items.map(({ action }: { action: string }) => action)
    assert.ok(actions.includes('createTenant') && !actions.includes('removeTenant'), actions.join(' '))
  })

  test('trust R3: of two nodes that make one tenant at once, the second is told and overwrites nothing', async (t) => {
    const server = await startManaged(t, suite)
    const { db } = server
    const operator = await manager(server)
    const body = { id: 'twice', name: 'Second', environment: 'test', hosts: ['second.example'] }
    const answer = await overtaken(
      db,
      (tx) => addTenant(tx, 'twice', { name: 'First', environment: 'live', settings: {} }),
      () => operator.call('POST', '/tenants', { body }),
    )
    assertProblem(answer, 409, 'conflict')
    const made = await loadTenant(db, 'twice')
    assert.deepEqual([made?.name, made?.environment, made?.hosts], ['First', 'live', []])
  })

  test('trust R3: a host of another tenant is refused with its name, in a new tenant and in a changed one', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const hosts = ['auth.taken.example']
    const create = (id: string, body: object) =>
      operator.call('POST', '/tenants', { body: { id, name: id, environment: 'test', ...body } })
    assert.equal((await create('holder', { hosts })).status, 201)
    assert.equal((await create('third', {})).status, 201)
    const refusals = [await create('second', { hosts }), await change(operator, '/tenants/third', { hosts })]
    for (const refusal of refusals) {
      assertProblem(refusal, 409, 'conflict')
      assert.equal(refusal.json.detail, 'The host auth.taken.example belongs to tenant holder.')
    }
    assert.equal((await change(operator, '/tenants/holder', { hosts, name: 'Still' })).status, 200)
  })
})

test('trust F24: the system tenant cannot be set so that nobody gets in any more', async (t) => {
  const server = await startManaged(t, oneStore)
  const operator = await manager(server)
  const settings = {
    sender_constraint: 'dpop',
    security: 'fapi2',
    dpop_nonce: 'required',
    dialect: { token: { claims: { x: 'y' } } },
    token_issuer: 'https://elsewhere.example',
    hosts: ['manage.example'],
    disabled: true,
  }
  for (const [name, value] of Object.entries(settings))
    assertProblem(await change(operator, '/tenants/system', { [name]: value }), 409, 'conflict')
  const app = `/tenants/system/apps/${operator.clientId}`
  assertProblem(await change(operator, app, { client_authentication: ['private_key_jwt'] }), 409, 'conflict')
  assertProblem(await operator.call('DELETE', '/tenants/system/organizations/operators'), 409, 'conflict')
  assertProblem(await operator.call('DELETE', app), 409, 'conflict')
  assert.equal((await change(operator, '/tenants/system', { access_token_seconds: 300 })).status, 200)
})

test('trust F22: where a tenant is reached and whose name its tokens bear is for the operators of the server', async (t) => {
  const server = await startManaged(t, oneStore)
  const owner = await manager(server, ['tenant_admin'], tenantPlace('acme'))
  for (const body of [{ hosts: ['auth.umbrella.example'] }, { token_issuer: 'https://umbrella.example' }])
    assertProblem(await change(owner, '/tenants/acme', body), 403, 'forbidden')
})

test('trust F40: names that every object has, and thousands of mistakes, are refused in short', async (t) => {
  const server = await startManaged(t, oneStore)
  const admin = await manager(server, ['organization_admin'], customer)
  for (const api of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
    const refused = await admin.call('POST', customerApps, {
      body: `{"id":"a","name":"A","scopes":{"${api}":["x"]}}`,
    })
    assert.ok([400, 403].includes(refused.status), refused.text)
  }
  const keys = Object.fromEntries(Array.from({ length: 1_900 }, (_, index) => [`unknown${index}`, 1]))
  const unknown = await admin.call('POST', customerApps, { body: { id: 'a', name: 'A', ...keys } })
  assertProblem(unknown, 400, 'invalid_body')
  assert.equal(unknown.json.errors.length, 100)
  assert.ok(unknown.text.length < 50_000)
  const scopes = { rest: Array.from({ length: 2_001 }, (_, index) => `s${index}`) }
  const large = await admin.call('POST', customerApps, { body: { id: 'a', name: 'A', scopes } })
  assertProblem(large, 413, 'body_too_large')
})

test('trust R12: a page ends at a megabyte, and the next begins where it ended', async (t) => {
  const server = await startManaged(t, oneStore)
  const operator = await manager(server)
  for (let index = 0; index < 12; index++) {
    const body = { id: `big-${index}`, name: 'Big', attributes: { text: 'x'.repeat(150_000) } }
    assert.equal((await operator.call('POST', customerApps, { body })).status, 201)
  }
  const seen = new Set<string>()
  let pages = 0
  for (let cursor: string | null = ''; cursor !== null; pages++) {
    const suffix: string = cursor === '' ? '' : `&cursor=${cursor}`
    const page = await operator.call('GET', `${customerApps}?limit=200${suffix}`)
    assert.ok(page.text.length < 1_300_000)
    for (const { client_id: id } of page.json.items) seen.add(id)
    cursor = page.json.next_cursor
  }
  assert.deepEqual([seen.size, pages], [13, 2])
})

test('trust R12: of a thousand refusals at a border the chain keeps enough, each in short', async (t) => {
  const server = await startManaged(t, oneStore)
  const stranger = await manager(server, ['developer'], tenantPlace('umbrella'))
  const long = 'x'.repeat(5_000)
  for (let index = 0; index < 100; index++) await stranger.call('GET', `/tenants/acme/apis/${long}`)
  for (let index = 0; index < 100; index++) await stranger.call('GET', '/tenants/acme')
  const rows = await server.db.kysely
    .selectFrom('audit_records')
    .select('target')
    .where('outcome', '=', 'refused')
    .execute()
  assert.ok(rows.length <= 30, `${rows.length}`)
  assert.ok(rows.every(({ target }) => target.length <= 200))
})

test('issue 5, 1: an app that exchanges the tokens of another can still be renamed', async (t) => {
  const server = await startManaged(t, oneStore)
  const operator = await manager(server)
  assert.equal((await change(operator, '/tenants/acme', { token_exchange: true })).status, 200)
  const grant = 'urn:ietf:params:oauth:grant-type:token-exchange'
  const body = {
    ...{ id: 'gateway', name: 'Gateway', grant_types: ['client_credentials', grant] },
    ...{ scopes: { rest: ['read'] }, token_exchange: { subjects: ['sync'], targets: ['rest'] } },
  }
  const made = await operator.call('POST', customerApps, { body })
  assert.equal(made.status, 201, made.text)
  const renamed = await change(operator, `/tenants/acme/apps/${made.json.client_id}`, { name: 'Renamed' })
  assert.equal(renamed.status, 200, renamed.text)
})
