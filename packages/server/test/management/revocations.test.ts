// Issue 5, 1: cutting off over the management API: what it hits, at once, and who may, on both databases.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forEachStore, startTestServer, type TestServer } from '../harness.ts'
import { assertActive, assertInactive, introspect, resourceServer, tokenOf } from '../oauth/ends.ts'
import { app, blueprint, generated, organization, tenant } from '../oauth/sample.ts'
import {
  type Answer,
  assertProblem,
  type Manager,
  manager,
  organizationPlace,
  tenantPlace,
} from './managed.ts'

const two = [...generated, { id: 'spare', secret: 'generated' }]
const customers = blueprint(
  tenant('acme', [], {
    organizations: [
      organization('customer', [app('sync', { credentials: two }), resourceServer]),
      organization('globex', [app('pay')]),
    ],
  }),
  tenant('umbrella', [app('hive')]),
)

/** Cuts off, and lets the second pass in which what is new would be dead as well. */
async function cut(server: TestServer, caller: Manager, path: string): Promise<Answer> {
  const answer = await caller.call('POST', path)
  assert.equal(answer.status, 201, answer.text)
  await server.advance(1)
  return answer
}

const subjectsOf = ({ json }: Answer): string[] =>
  json.items.map((one: { kind: string; subject: string }) => `${one.kind} ${one.subject}`)

forEachStore((_engine, suite) => {
  test('product decision 4: cutting off an app, credential, organization or tenant kills what they have and not what comes', async (t) => {
    const server = await startTestServer(t, suite, customers)
    const operator = await manager(server)
    const [sync] = server.credential('acme', 'sync')
    const paths: readonly (readonly [string, hitsSync: boolean, hitsSpare: boolean, hitsPay: boolean])[] = [
      [`/tenants/acme/apps/${sync}/revocations`, true, true, false],
      [`/tenants/acme/apps/${sync}/credentials/spare/revocations`, false, true, false],
      ['/tenants/acme/organizations/customer/revocations', true, true, false],
      ['/tenants/acme/organizations/globex/revocations', false, false, true],
      ['/tenants/acme/revocations', true, true, true],
      ['/tenants/acme/users/nobody/revocations', false, false, false],
    ]
    for (const [path, ...hits] of paths) {
      const tokens = [
        await tokenOf(server),
        await tokenOf(server, 'sync', 'acme', 'spare'),
        await tokenOf(server, 'pay'),
      ]
      for (const token of tokens) assertActive(await introspect(server, token))
      await cut(server, operator, path)
      for (const [index, token] of tokens.entries())
        (hits[index] ? assertInactive : assertActive)(await introspect(server, token))
      assertActive(await introspect(server, await tokenOf(server)))
    }
  })

  test('product: what is cut off is listed page by page, and an organization sees its own', async (t) => {
    const server = await startTestServer(t, suite, customers)
    const operator = await manager(server)
    const [sync] = server.credential('acme', 'sync')
    const [pay] = server.credential('acme', 'pay')
    const app = await cut(server, operator, `/tenants/acme/apps/${sync}/revocations`)
    assert.deepEqual(app.json, {
      ...{ kind: 'app', subject: sync, issued_until: server.clock() - 1, expires_at: null },
    })
    await cut(server, operator, `/tenants/acme/apps/${sync}/credentials/main/revocations`)
    await cut(server, operator, `/tenants/acme/apps/${pay}/revocations`)
    await cut(server, operator, '/tenants/acme/organizations/customer/revocations')
    await cut(server, operator, '/tenants/acme/users/ada/revocations')
    await cut(server, operator, '/tenants/umbrella/revocations')

    const found: string[] = []
    for (let cursor = ''; ; ) {
      const page = await operator.call('GET', `/tenants/acme/revocations?limit=2${cursor}`)
      found.push(...subjectsOf(page))
      if (page.json.next_cursor === null) break
      cursor = `&cursor=${page.json.next_cursor}`
    }
    const own = [`app ${sync}`, `credential ${sync} main`, 'organization customer']
    assert.deepEqual(found.toSorted(), [...own, `app ${pay}`, 'user ada'].toSorted())
    const admin = await manager(server, ['organization_admin'], organizationPlace('acme', 'customer'))
    const mine = await admin.call('GET', '/tenants/acme/organizations/customer/revocations')
    assert.deepEqual(subjectsOf(mine).toSorted(), own.toSorted())
    assertProblem(await admin.call('GET', '/tenants/acme/revocations'), 404, 'not_found')
    const theirs = await admin.call('GET', '/tenants/acme/organizations/globex/revocations')
    assertProblem(theirs, 404, 'not_found')
  })

  test('trust F19: an organization’s admin cuts off its own organization, apps and credentials and nobody else’s', async (t) => {
    const server = await startTestServer(t, suite, customers)
    const admin = await manager(server, ['organization_admin'], organizationPlace('acme', 'customer'))
    const [sync] = server.credential('acme', 'sync')
    const [pay] = server.credential('acme', 'pay')
    const [hive] = server.credential('umbrella', 'hive')
    const token = await tokenOf(server, 'pay')
    await cut(server, admin, '/tenants/acme/organizations/customer/revocations')
    await cut(server, admin, `/tenants/acme/apps/${sync}/revocations`)
    await cut(server, admin, `/tenants/acme/apps/${sync}/credentials/main/revocations`)
    const beyond = [
      ...['/tenants/acme/revocations', '/tenants/acme/users/ada/revocations'],
      ...['/tenants/acme/organizations/globex/revocations', '/tenants/umbrella/revocations'],
      ...[`/tenants/acme/apps/${pay}/revocations`, `/tenants/acme/apps/${hive}/revocations`],
      ...[`/tenants/acme/apps/${pay}/credentials/main/revocations`],
      ...[`/tenants/acme/apps/${sync}/credentials/unknown/revocations`],
    ]
    for (const path of beyond) assertProblem(await admin.call('POST', path), 404, 'not_found')
    assertActive(await introspect(server, token))
    const stranger = await manager(server, ['tenant_admin'], tenantPlace('umbrella'))
    assertProblem(await stranger.call('POST', `/tenants/acme/apps/${sync}/revocations`), 404, 'not_found')
    const developer = await manager(server, ['developer'], organizationPlace('acme', 'customer'))
    assertProblem(await developer.call('POST', `/tenants/acme/apps/${sync}/revocations`), 403, 'forbidden')
  })
})
