// 003-20 over the management API: who says how often an app may ask, and who does not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forEachStore, startTestServer } from '../harness.ts'
import { app, blueprint, restApi, tenant } from '../oauth/sample.ts'
import { assertProblem, change, manager, organizationPlace, tenantPlace } from './managed.ts'
import { appOf } from './people.ts'

const limit = (requests: number) => ({ requests, window_seconds: 60 })
const endpoint = { method: 'GET', path: '/orders', scope: 'read', limit: limit(100) }
const own = blueprint(
  tenant('acme', [app('sync', { limits: [limit(5)] }), app('free')], {
    apis: [{ ...restApi, endpoints: [endpoint] }],
    plans: [{ id: 'slow', price: 'free', limits: [{ endpoint: 'GET /orders', ...limit(10) }] }],
  }),
)
const scheme = {
  type: 'oauth2',
  flows: { clientCredentials: { tokenUrl: 'https://x.example', scopes: { read: 'Read' } } },
}
const operation = { security: [{ oauth: ['read'] }] }
const documentOf = (paths: object) => ({
  ...{ openapi: '3.1.0', components: { securitySchemes: { oauth: scheme } }, paths },
})

forEachStore((_engine, suite) => {
  test('003-20: a customer’s admin lifts, changes or removes no limit of its own apps; the provider’s people do', async (t) => {
    const server = await startTestServer(t, suite, own)
    const admin = await manager(server, ['organization_admin'], organizationPlace('acme', 'customer'))
    const staff = await manager(server, ['tenant_admin'], tenantPlace('acme'))
    const limited = appOf(server, 'sync')
    const unlimited = appOf(server, 'free')
    for (const limits of [[limit(500)], [], null])
      assertProblem(await change(admin, limited, { limits }), 403, 'forbidden')
    assertProblem(await change(admin, unlimited, { limits: [limit(500)] }), 403, 'forbidden')
    const made = { id: 'fast', name: 'Fast', limits: [limit(500)] }
    const creating = admin.call('POST', '/tenants/acme/organizations/customer/apps', { body: made })
    assertProblem(await creating, 403, 'forbidden')
    assert.equal((await change(admin, limited, { name: 'Renamed' })).status, 200)
    const lifted = await change(staff, limited, { limits: [limit(50)] })
    assert.deepEqual([lifted.status, lifted.json.limits], [200, [limit(50)]])
    assert.deepEqual((await admin.call('GET', limited)).json.limits, [limit(50)])
  })

  test('003-20: a customer’s admin changes neither the limits of a plan nor those of an endpoint', async (t) => {
    const server = await startTestServer(t, suite, own)
    const admin = await manager(server, ['organization_admin'], organizationPlace('acme', 'customer'))
    const plan = change(admin, '/tenants/acme/plans/slow', { limits: [] })
    assertProblem(await plan, 404, 'not_found')
    const api = change(admin, '/tenants/acme/apis/rest', { endpoints: [] })
    assertProblem(await api, 404, 'not_found')
  })

  test('product: limits name what there is, and an endpoint that a plan names is not taken from under it', async (t) => {
    const server = await startTestServer(t, suite, own)
    const staff = await manager(server, ['tenant_admin'], tenantPlace('acme'))
    const app = appOf(server, 'free')
    const wrong = [{ endpoint: 'GET /ordres', ...limit(1) }]
    for (const path of [app, '/tenants/acme/plans/slow']) {
      const refused = await change(staff, path, { limits: wrong })
      assertProblem(refused, 400, 'invalid_body')
      assert.equal(refused.json.errors[0].pointer, '/limits/0/endpoint')
      assert.match(refused.json.errors[0].expected, /GET \/orders/)
    }
    const taken = await change(staff, '/tenants/acme/apis/rest', { endpoints: [] })
    assertProblem(taken, 409, 'conflict')
    assert.match(taken.json.detail, /Plan slow would not fit it/)
  })

  test('001-19: an imported document says limits of its own, and leaves those alone of which it says nothing', async (t) => {
    const server = await startTestServer(t, suite, own)
    const staff = await manager(server, ['tenant_admin'], tenantPlace('acme'))
    const importing = (paths: object) =>
      staff.call('POST', '/tenants/acme/apis/rest/openapi', { body: documentOf(paths) })
    const kept = await importing({ '/orders': { get: operation } })
    assert.deepEqual(kept.json.api.endpoints, [endpoint])
    const said = await importing({
      '/orders': { get: { ...operation, 'x-sallyport-limit': limit(7) } },
      '/other': { get: { ...operation, 'x-sallyport-limit': { requests: 'many' } } },
    })
    const other = { method: 'GET', path: '/other', scope: 'read' }
    assert.deepEqual(said.json.api.endpoints, [{ ...endpoint, limit: limit(7) }, other])
    assert.deepEqual(
      said.json.unused.map((one: { pointer: string }) => one.pointer),
      ['/paths/~1other/get/x-sallyport-limit'],
    )
  })
})
