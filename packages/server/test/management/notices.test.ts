// Issue 5, 1: notices and dialect uses over the management API: page by page, each to those whose they are.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addDialectUses } from '../../src/store/dialect-uses.ts'
import { saveNotice } from '../../src/store/notices.ts'
import { forEachStore, startTestServer, type TestServer } from '../harness.ts'
import { app, blueprint, organization, tenant } from '../oauth/sample.ts'
import { assertProblem, type Manager, manager, organizationPlace, tenantPlace } from './managed.ts'

const customers = blueprint(
  tenant('acme', [], {
    organizations: [
      organization('customer', [app('sync'), app('batch')]),
      organization('globex', [app('pay')]),
    ],
  }),
  tenant('umbrella', [app('hive')]),
)

const clientIdOf = (server: TestServer, tenantId: string, appId: string) =>
  server.credential(tenantId, appId)[0]

const told = [
  ['acme', 'pay'],
  ['acme', 'sync'],
  ['umbrella', 'hive'],
  ['acme', 'batch'],
] as const

/** Page by page, so that a page's end loses and repeats nothing. */
async function collect(
  caller: Manager,
  path: string,
  member: string,
  query = 'limit=1',
): Promise<readonly string[]> {
  const found: string[] = []
  for (let cursor = ''; ; ) {
    const { json, text, status } = await caller.call('GET', `${path}?${query}${cursor}`)
    assert.equal(status, 200, text)
    found.push(...json.items.map((one: Record<string, string>) => one[member]))
    if (json.next_cursor === null) return found
    cursor = `&cursor=${json.next_cursor}`
  }
}

forEachStore((_engine, suite) => {
  test('product: notices are listed oldest first, of a tenant to its people and of an organization to its own', async (t) => {
    const server = await startTestServer(t, suite, customers)
    for (const [tenantId, appId] of told) {
      const clientId = clientIdOf(server, tenantId, appId)
      const notice = {
        tenantId,
        clientId,
        credentialId: 'main',
        kind: 'exposed',
        detail: { by: 'plain_http' },
      }
      await server.db.write((tx) => saveNotice(tx, { ...notice, kind: 'exposed' }))
      if (appId === 'sync') await server.advance(10)
    }
    const idsOf = (...appIds: readonly string[]) => appIds.map((appId) => clientIdOf(server, 'acme', appId))
    const staff = await manager(server, ['staff'], tenantPlace('acme'))
    const all = await collect(staff, '/tenants/acme/notices', 'client_id')
    assert.deepEqual(all, idsOf('pay', 'sync', 'batch'))
    const admin = await manager(server, ['organization_admin'], organizationPlace('acme', 'customer'))
    const own = await collect(admin, '/tenants/acme/organizations/customer/notices', 'client_id')
    assert.deepEqual(own, idsOf('sync', 'batch'))
    const { json } = await admin.call('GET', '/tenants/acme/organizations/customer/notices')
    const { number, happened_at: at, ...shown } = json.items[0]
    assert.deepEqual(shown, {
      ...{ client_id: own[0], credential: 'main', kind: 'exposed', detail: { by: 'plain_http' } },
    })
    assert.deepEqual([Number.isInteger(number), at], [true, server.clock() - 10])
    for (const path of ['/tenants/acme/notices', '/tenants/acme/organizations/globex/notices'])
      assertProblem(await admin.call('GET', path), 404, 'not_found')
    const stranger = await manager(server, ['tenant_admin'], tenantPlace('umbrella'))
    assertProblem(await stranger.call('GET', '/tenants/acme/notices'), 404, 'not_found')
  })

  test('product decision 1: which app still uses which dialect feature, how often and when last, is told', async (t) => {
    const server = await startTestServer(t, suite, customers)
    const uses = told.flatMap(([tenantId, appId]) =>
      ['multipart', 'query_credentials'].map((feature) => ({
        ...{
          tenantId,
          clientId: clientIdOf(server, tenantId, appId),
          feature,
          uses: 3,
          lastUsedAt: 1_700_000,
        },
      })),
    )
    await server.db.write((tx) => addDialectUses(tx, uses))
    const auditor = await manager(server, ['auditor'], tenantPlace('acme'))
    const path = '/tenants/acme/dialect-uses'
    const clientIds = ['pay', 'sync', 'batch'].map((appId) => clientIdOf(server, 'acme', appId)).toSorted()
    const found = await collect(auditor, path, 'client_id', 'limit=2')
    assert.deepEqual(found.toSorted(), [...clientIds, ...clientIds].toSorted())
    const some = await collect(auditor, path, 'client_id', 'feature=multipart&limit=1')
    assert.deepEqual(some.toSorted(), clientIds)
    const { json } = await auditor.call('GET', `${path}?feature=multipart&limit=1`)
    assert.deepEqual(json.items[0], {
      ...{ client_id: some[0], feature: 'multipart', uses: 3, last_used_at: 1_700_000 },
    })
    const admin = await manager(server, ['organization_admin'], organizationPlace('acme', 'customer'))
    assertProblem(await admin.call('GET', path), 404, 'not_found')
    const stranger = await manager(server, ['tenant_admin'], tenantPlace('umbrella'))
    assertProblem(await stranger.call('GET', path), 404, 'not_found')
  })
})
