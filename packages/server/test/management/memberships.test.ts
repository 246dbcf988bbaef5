// Issue 5, 1: memberships over the management API, and the last operator, on both databases.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { permissionNames } from '../../src/management/permissions.ts'
import { saveMembership } from '../../src/store/memberships.ts'
import { forEachStore } from '../harness.ts'
import {
  assertProblem,
  callApi,
  change,
  type Manager,
  manager,
  organizationPlace,
  startManaged,
  tenantPlace,
} from './managed.ts'
import { acme, customer, made, newUser, outcomeOf } from './people.ts'

forEachStore((_engine, suite) => {
  test('issue 5, 1: a membership is made, shown with its name, changed and removed, at a tenant and at an organization', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const user = await newUser(operator, 'ada')
    const program = await manager(server, [], tenantPlace('umbrella'))
    for (const place of [acme, customer]) {
      for (const member of [`user:${user}`, `app:${program.clientId}`]) {
        const path = `${place}/memberships/${member}`
        const created = made(
          await operator.call('POST', `${place}/memberships`, {
            body: { member, roles: ['developer', 'developer'] },
          }),
        )
        assert.deepEqual(created.json.roles, ['developer'])
        assert.equal(decodeURIComponent(created.headers.Location ?? ''), `/manage/v1${path}`)
        const again = await operator.call('POST', `${place}/memberships`, {
          body: { member, roles: ['developer'] },
        })
        assertProblem(again, 409, 'conflict')
        const changed = await change(operator, path, { roles: ['organization_admin', 'developer'] })
        assert.deepEqual(changed.json.roles, ['developer', 'organization_admin'])
      }
      const { items } = (await operator.call('GET', `${place}/memberships`)).json
      assert.deepEqual(
        items.map(({ member, email }: { member: string; email: string | null }) => [member, email]),
        [
          [`app:${program.clientId}`, null],
          [`user:${user}`, 'ada@example.com'],
        ],
      )
      const first = await operator.call('GET', `${place}/memberships?limit=1`)
      const second = await operator.call(
        'GET',
        `${place}/memberships?limit=1&cursor=${first.json.next_cursor}`,
      )
      assert.deepEqual([...first.json.items, ...second.json.items], items)
      assertProblem(await operator.call('GET', `${place}/memberships/user%20${user}`), 404, 'not_found')
      assert.equal((await operator.call('DELETE', `${place}/memberships/user:${user}`)).status, 204)
      assertProblem(await operator.call('GET', `${place}/memberships/user:${user}`), 404, 'not_found')
    }
  })

  test('issue 5, 2: what a membership brings holds from the next call on, and ends with it', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const program = await manager(server, [], tenantPlace('umbrella'))
    const path = `${customer}/memberships/app:${program.clientId}`
    assertProblem(await program.call('GET', `${customer}/apps`), 404, 'not_found')
    const body = { member: `app:${program.clientId}`, roles: ['developer'] }
    made(await operator.call('POST', `${customer}/memberships`, { body }))
    assert.equal((await program.call('GET', `${customer}/apps`)).status, 200)
    assertProblem(await program.call('GET', `${customer}/memberships`), 403, 'forbidden')
    await operator.call('DELETE', path)
    assertProblem(await program.call('GET', `${customer}/apps`), 404, 'not_found')
  })

  test('issue 5, 2: an organization’s admin cannot name users whom only the tenant sees, known or unknown alike', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const user = await newUser(operator, 'ada')
    const admin = await manager(server, ['organization_admin'], organizationPlace('acme', 'customer'))
    const answers = []
    for (const member of [`user:${user}`, 'user:usr_nobody', 'app:nobody'])
      answers.push(
        await admin.call('POST', `${customer}/memberships`, { body: { member, roles: ['developer'] } }),
      )
    for (const answer of answers) assertProblem(answer, 400, 'invalid_body')
    assert.equal(new Set(answers.map(({ json }) => JSON.stringify(json.errors))).size, 1)
    const foreign = await newUser(operator, 'eve', 'umbrella')
    const body = { member: `user:${foreign}`, roles: ['developer'] }
    assertProblem(await operator.call('POST', `${acme}/memberships`, { body }), 400, 'invalid_body')
  })

  test('trust F27: roles that go with a user or with an app that manages are in the audit chain of each tenant where they held', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const user = await newUser(operator, 'ada')
    const body = { member: `user:${user}`, roles: ['organization_admin'] }
    made(await operator.call('POST', `${customer}/memberships`, { body }))
    assert.equal((await operator.call('DELETE', `${acme}/users/${user}`)).status, 204)
    const last = async (tenant: string, target: string) => {
      const records = `/tenants/${tenant}/audit-records?target=${encodeURIComponent(target)}`
      const { json } = await operator.call('GET', records)
      const { action, actor, before, after } = json.items[0]
      return { action, actor, memberships: before?.memberships, roles: before?.roles, after }
    }
    const actor = `app ${operator.clientId}`
    const held = { tenant: 'acme', member: `user ${user}`, organization: 'customer' }
    assert.deepEqual(await last('acme', `user ${user}`), {
      ...{ action: 'removeUser', actor, roles: undefined, after: null },
      memberships: [{ ...held, roles: ['organization_admin'] }],
    })

    const { clientId } = await manager(server, ['tenant_admin'], tenantPlace('acme'))
    const there = organizationPlace('umbrella', 'customer')
    await server.db.write((tx) => saveMembership(tx, there, `app ${clientId}`, ['developer']))
    assert.equal((await operator.call('DELETE', `/tenants/system/apps/${clientId}`)).status, 204)
    const { memberships } = await last('system', `app ${clientId}`)
    assert.deepEqual(
      memberships.map(({ tenant, roles }: { tenant: string; roles: unknown }) => `${tenant} ${roles}`),
      ['acme tenant_admin', 'umbrella developer'],
    )
    const gone = { actor, memberships: undefined, after: null }
    assert.deepEqual(await last('acme', `membership app ${clientId}`), {
      ...{ ...gone, action: 'removeMembership', roles: ['tenant_admin'] },
    })
    assert.deepEqual(await last('umbrella', `membership app ${clientId} in customer`), {
      ...{ ...gone, action: 'removeMembershipOfOrganization', roles: ['developer'] },
    })
  })

  test('trust F27: with an organization of those who manage go the roles of its apps, here and in each tenant', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const organizations = '/tenants/system/organizations'
    made(await operator.call('POST', organizations, { body: { id: 'branch', name: 'Branch' } }))
    const app = made(
      await operator.call('POST', `${organizations}/branch/apps`, { body: { id: 'a', name: 'A' } }),
    )
    const member = `app ${app.json.client_id}`
    await server.db.write((tx) => saveMembership(tx, tenantPlace('acme'), member, ['tenant_admin']))
    assert.equal((await operator.call('DELETE', `${organizations}/branch`)).status, 204)
    const holders = (await operator.call('GET', `${acme}/memberships`)).json.items
    assert.deepEqual(
      holders.filter((one: { member: string }) => one.member === member.replace(' ', ':')),
      [],
    )
    const records = async (tenant: string, action: string) =>
      (await operator.call('GET', `/tenants/${tenant}/audit-records?action=${action}`)).json.items
    const [removed] = await records('system', 'removeOrganization')
    assert.deepEqual(removed.before.memberships, [
      { tenant: 'acme', member, organization: null, roles: ['tenant_admin'] },
    ])
    const [lost] = await records('acme', 'removeMembership')
    assert.deepEqual([lost.target, lost.before.roles], [`membership ${member}`, ['tenant_admin']])
  })

  test('issue 5, 2: an operator’s app counts with its organization, and the organization of the last one stays in use', async (t) => {
    const server = await startManaged(t, suite)
    const first = await manager(server)
    const branch = '/tenants/system/organizations/branch'
    made(
      await first.call('POST', '/tenants/system/organizations', { body: { id: 'branch', name: 'Branch' } }),
    )
    const body = { id: 'other', name: 'Other', scopes: { management: [...permissionNames] } }
    const { client_id } = made(await first.call('POST', `${branch}/apps`, { body })).json
    const secrets = `/tenants/system/apps/${client_id}/credentials`
    const { client_secret } = made(await first.call('POST', secrets, { body: { secret: 'generated' } })).json
    const operator = { member: `app:${client_id}`, roles: ['operator'] }
    made(await first.call('POST', '/tenants/system/memberships', { body: operator }))
    const mine = `/tenants/system/memberships/app:${first.clientId}`
    assert.equal((await change(first, branch, { disabled: true })).status, 200)
    assertProblem(await first.call('DELETE', mine), 409, 'conflict')
    assert.equal((await change(first, branch, { disabled: false })).status, 200)
    await server.advance(10)
    const grant = { grant_type: 'client_credentials' }
    const token = await server.token('system', { basic: [client_id, client_secret], body: grant })
    assert.equal(token.status, 200, token.text)
    assert.equal((await first.call('DELETE', mine)).status, 204)
    const call: Manager['call'] = (...args) => callApi(server, token.json.access_token, ...args)
    const { etag = '' } = await call('GET', branch)
    const disabling = { body: { disabled: true }, headers: { 'if-match': etag } }
    assertProblem(await call('PATCH', branch, disabling), 409, 'conflict')
    assertProblem(await call('DELETE', branch), 409, 'conflict')
  })

  test('issue 5, 2: the last operator who can call stays one, also when two remove each other at once', async (t) => {
    const server = await startManaged(t, suite)
    const first = await manager(server)
    const path = ({ clientId }: Manager) => `/tenants/system/memberships/app:${clientId}`
    const user = await newUser(first, 'ada', 'system')
    const body = { member: `user:${user}`, roles: ['operator'] }
    made(await first.call('POST', '/tenants/system/memberships', { body }))
    assertProblem(await first.call('DELETE', path(first)), 409, 'conflict')
    assertProblem(await change(first, path(first), { roles: ['auditor'] }), 409, 'conflict')
    const disabled = await manager(server)
    await change(first, `/tenants/system/apps/${disabled.clientId}`, { disabled: true })
    assertProblem(await first.call('DELETE', path(first)), 409, 'conflict')
    const second = await manager(server)
    const answers = await Promise.all([
      first.call('DELETE', path(second)),
      second.call('DELETE', path(first)),
    ])
    assert.equal(answers.filter(({ status }) => status === 204).length, 1, answers.map(outcomeOf).join())
    const left = await Promise.all([first, second].map((one) => one.call('GET', '/tenants')))
    assert.equal(left.filter(({ status }) => status === 200).length, 1)
  })
})
