// Issue 5, 1: plans over the management API, and the plan that an organization is on, on both databases.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forEachStore, startTestServer, type TestServer } from '../harness.ts'
import { app, blueprint, organization, tenant } from '../oauth/sample.ts'
import { assertProblem, type Manager, manager, organizationPlace, tenantPlace } from './managed.ts'

const reading = { id: 'reading', price: 'free', scopes: { rest: ['read'] } }
const gold = { id: 'gold', price: 'paid', approval: true, access_token_seconds: 1_200 }

const own = blueprint(
  tenant('acme', [app('sync')], {
    organizations: [organization('customer', [app('sync')]), organization('globex', [app('pay')])],
    plans: [{ id: 'free', price: 'free' }],
  }),
  tenant('umbrella', [app('hive')]),
)

const subscription = '/tenants/acme/organizations/customer/subscription'

const startPlanned = async (server: TestServer): Promise<Manager> => {
  const staff = await manager(server, ['tenant_admin'], tenantPlace('acme'))
  for (const body of [reading, gold])
    assert.equal((await staff.call('POST', '/tenants/acme/plans', { body })).status, 201)
  return staff
}

const scopeOf = async (server: TestServer): Promise<string> =>
  (await server.token('acme', { basic: server.credential('acme', 'sync') })).json.scope

forEachStore((_engine, suite) => {
  test('product: a plan is made, read, changed and removed, and bounds the tokens of whoever is on it at once', async (t) => {
    const server = await startTestServer(t, suite, own)
    const staff = await startPlanned(server)
    assertProblem(await staff.call('POST', '/tenants/acme/plans', { body: reading }), 409, 'conflict')
    const list = await staff.call('GET', '/tenants/acme/plans')
    assert.deepEqual(
      list.json.items.map((one: { id: string }) => one.id),
      ['free', 'gold', 'reading'],
    )
    assert.equal(await scopeOf(server), 'read write')
    const moved = await staff.call('POST', subscription, { body: { plan: 'reading' } })
    assert.deepEqual([moved.status, moved.json], [200, { organization: 'customer', plan: 'reading' }])
    assert.equal(await scopeOf(server), 'read')

    const shown = await staff.call('GET', '/tenants/acme/plans/reading')
    const changed = await staff.call('PATCH', '/tenants/acme/plans/reading', {
      body: { scopes: { rest: ['write'] }, name: 'Writing' },
      headers: { 'if-match': shown.etag ?? '' },
    })
    assert.equal(changed.status, 200, changed.text)
    assert.equal(await scopeOf(server), 'write')
    const stale = { body: { name: 'Late' }, headers: { 'if-match': shown.etag ?? '' } }
    assertProblem(await staff.call('PATCH', '/tenants/acme/plans/reading', stale), 412, 'precondition_failed')

    assertProblem(await staff.call('DELETE', '/tenants/acme/plans/reading'), 409, 'conflict')
    assert.equal((await staff.call('DELETE', '/tenants/acme/plans/free')).status, 204)
    assertProblem(await staff.call('GET', '/tenants/acme/plans/free'), 404, 'not_found')
  })

  test('product: a plan that names what the tenant has not is refused at its place', async (t) => {
    const server = await startTestServer(t, suite, own)
    const staff = await manager(server)
    const make = (more: object) =>
      staff.call('POST', '/tenants/acme/plans', { body: { id: 'odd', price: 'free', ...more } })
    const bad: readonly (readonly [object, string])[] = [
      [{ scopes: { rest: ['eat'] } }, '/scopes/rest/0'],
      [{ scopes: { nothing: ['read'] } }, '/scopes/nothing'],
      [{ access_token_seconds: 31_000_000 }, '/access_token_seconds'],
      [{ price: 'cheap' }, '/price'],
      [{ created_at: 1 }, '/created_at'],
    ]
    for (const [more, pointer] of bad) {
      const answer = await make(more)
      assertProblem(answer, 400, 'invalid_body')
      assert.deepEqual(
        answer.json.errors.map((one: { pointer: string }) => one.pointer),
        [pointer],
      )
    }
  })

  test('product: an organization’s people take a plan without approval, and are told whom to ask for one with', async (t) => {
    const server = await startTestServer(t, suite, own)
    const staff = await startPlanned(server)
    const admin = await manager(server, ['organization_admin'], organizationPlace('acme', 'customer'))
    const taken = await admin.call('POST', subscription, { body: { plan: 'reading' } })
    assert.deepEqual([taken.status, taken.json.plan], [200, 'reading'])
    const refused = await admin.call('POST', subscription, { body: { plan: 'gold' } })
    assertProblem(refused, 409, 'conflict')
    assert.match(refused.json.detail, /needs the provider’s approval: ask its people/)
    assert.equal((await admin.call('GET', '/tenants/acme/organizations/customer')).json.plan, 'reading')
    const unknown = await admin.call('POST', subscription, { body: { plan: 'platinum' } })
    assertProblem(unknown, 400, 'invalid_body')
    assert.equal(unknown.json.errors[0].pointer, '/plan')

    assert.equal((await staff.call('POST', subscription, { body: { plan: 'gold' } })).status, 200)
    const same = await admin.call('POST', subscription, { body: { plan: 'gold' } })
    assert.equal(same.status, 200, same.text)
    const shown = await admin.call('GET', '/tenants/acme/organizations/customer')
    assert.deepEqual(
      [shown.json.name, shown.json.plan, shown.json.blueprint],
      ['The customer', 'gold', 'tests'],
    )
    const { json } = await staff.call('GET', '/tenants/acme/audit-records')
    const [record] = json.items.filter((one: { action: string }) => one.action === 'subscribe').slice(1)
    assert.deepEqual([record.before.plan, record.after.plan], ['reading', 'gold'])
  })

  test('trust 157: a customer that is held down by a plan with approval does not lift itself out', async (t) => {
    const server = await startTestServer(t, suite, own)
    const staff = await startPlanned(server)
    const admin = await manager(server, ['organization_admin'], organizationPlace('acme', 'customer'))
    assert.equal((await staff.call('POST', subscription, { body: { plan: 'gold' } })).status, 200)
    const refused = await admin.call('POST', subscription, { body: { plan: 'free' } })
    assertProblem(refused, 409, 'conflict')
    assert.match(refused.json.detail, /^Plan gold is left with the provider’s approval: ask its people/)
    assert.equal((await admin.call('GET', '/tenants/acme/organizations/customer')).json.plan, 'gold')
    assert.equal((await staff.call('POST', subscription, { body: { plan: 'free' } })).status, 200)
    assert.equal((await admin.call('POST', subscription, { body: { plan: 'reading' } })).status, 200)
  })

  test('trust 157: approval is not skipped by a token whose scopes leave managing organizations out', async (t) => {
    const server = await startTestServer(t, suite, own)
    await startPlanned(server)
    const weak = await manager(server, ['tenant_admin'], tenantPlace('acme'), 'request_keys')
    assertProblem(await weak.call('POST', subscription, { body: { plan: 'gold' } }), 409, 'conflict')
  })

  test('trust F19: plans are seen by all organizations of a tenant and by no stranger, and moved only at home', async (t) => {
    const server = await startTestServer(t, suite, own)
    await startPlanned(server)
    const neighbour = await manager(server, ['organization_admin'], organizationPlace('acme', 'globex'))
    const stranger = await manager(server, ['tenant_admin'], tenantPlace('umbrella'))
    assert.equal((await neighbour.call('GET', '/tenants/acme/plans/gold')).status, 200)
    assertProblem(await stranger.call('GET', '/tenants/acme/plans/gold'), 404, 'not_found')
    for (const caller of [neighbour, stranger]) {
      const moved = await caller.call('POST', subscription, { body: { plan: 'reading' } })
      assertProblem(moved, 404, 'not_found')
      assertProblem(await caller.call('DELETE', '/tenants/acme/plans/gold'), 404, 'not_found')
    }
  })
})
