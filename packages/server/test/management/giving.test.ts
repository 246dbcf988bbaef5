// Issue 5, 2: nobody gives, changes or takes what they do not hold themselves.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wholeServer } from '../../src/management/authorize.ts'
import { permissionNames } from '../../src/management/permissions.ts'
import { saveRole } from '../../src/store/roles.ts'
import { forEachStore, type TestServer } from '../harness.ts'
import { assertProblem, change, manager, organizationPlace, startManaged, tenantPlace } from './managed.ts'
import { acme, customer, made, newUser, outcomeOf } from './people.ts'

/** Roles of the tenant that the cases below speak of, put past the API's own rules. */
const ownRoles = {
  helper: ['read_people', 'manage_people', 'read_apps'],
  registrar: ['read_people', 'manage_users'],
  role_maker: ['read_people', 'manage_roles', 'read_apps'],
} as const

const saveOwnRoles = (server: TestServer): Promise<void> =>
  server.db.write(async (tx) => {
    for (const [id, permissions] of Object.entries(ownRoles))
      await saveRole(tx, 'acme', { id, name: id, permissions })
    await saveRole(tx, 'umbrella', { id: 'foreign', name: 'Foreign', permissions: ['read_apps'] })
  })

const places = {
  server: [wholeServer, '/tenants/system'],
  acme: [tenantPlace('acme'), acme],
  customer: [organizationPlace('acme', 'customer'), customer],
  globex: [organizationPlace('acme', 'globex'), `${acme}/organizations/globex`],
  umbrella: [tenantPlace('umbrella'), '/tenants/umbrella'],
} as const
type PlaceName = keyof typeof places

/** Who (role, place) gives which role where, and what comes of it. */
const giving: readonly (readonly [string, PlaceName, string, PlaceName, string])[] = [
  ['operator', 'server', 'operator', 'server', '201'],
  ['operator', 'server', 'tenant_admin', 'acme', '201'],
  ['operator', 'server', 'operator', 'acme', '400 invalid_body'],
  ['operator', 'server', 'operator', 'customer', '400 invalid_body'],
  ['operator', 'server', 'foreign', 'acme', '400 invalid_body'],
  ['operator', 'server', 'nobody', 'acme', '400 invalid_body'],
  ['tenant_admin', 'server', 'operator', 'server', '403 forbidden'],
  ['tenant_admin', 'server', 'tenant_admin', 'server', '403 forbidden'],
  ['tenant_admin', 'server', 'tenant_admin', 'umbrella', '201'],
  ['tenant_admin', 'acme', 'tenant_admin', 'acme', '201'],
  ['tenant_admin', 'acme', 'organization_admin', 'globex', '201'],
  ['tenant_admin', 'acme', 'staff', 'customer', '400 invalid_body'],
  ['tenant_admin', 'acme', 'registrar', 'customer', '400 invalid_body'],
  ['tenant_admin', 'acme', 'operator', 'server', '404 not_found'],
  ['tenant_admin', 'acme', 'auditor', 'umbrella', '404 not_found'],
  ['organization_admin', 'customer', 'organization_admin', 'customer', '201'],
  ['organization_admin', 'customer', 'helper', 'customer', '201'],
  ['organization_admin', 'customer', 'auditor', 'customer', '400 invalid_body'],
  ['organization_admin', 'customer', 'developer', 'globex', '404 not_found'],
  ['organization_admin', 'customer', 'developer', 'acme', '404 not_found'],
  ['helper', 'acme', 'helper', 'acme', '201'],
  ['helper', 'acme', 'auditor', 'acme', '403 forbidden'],
  ['helper', 'acme', 'tenant_admin', 'acme', '403 forbidden'],
  ['helper', 'customer', 'organization_admin', 'customer', '403 forbidden'],
  ['helper', 'customer', 'helper', 'customer', '201'],
  ['developer', 'customer', 'developer', 'customer', '403 forbidden'],
]

forEachStore((_engine, suite) => {
  test('issue 5, 2: nobody gives a role that brings more than they hold there, and no place gets what it cannot hold', async (t) => {
    const server = await startManaged(t, suite)
    await saveOwnRoles(server)
    for (const [role, at, given, where, expected] of giving) {
      const caller = await manager(server, [role], places[at][0])
      const receiver = await manager(server, [], organizationPlace('umbrella', 'customer'))
      const [, path] = places[where]
      const body = { member: `app:${receiver.clientId}`, roles: [given] }
      const given1 = await caller.call('POST', `${path}/memberships`, { body })
      const who = `${role} at ${at} gives ${given} at ${where}`
      assert.equal(outcomeOf(given1), expected, `${who}: ${given1.text}`)
      const invitation = { email: 'ada@example.com', roles: [given] }
      const invited = await caller.call('POST', `${path}/invitations`, { body: invitation })
      assert.equal(outcomeOf(invited), expected, `${who} by invitation: ${invited.text}`)
      if (invited.status !== 201) continue
      const operator = await manager(server)
      await operator.call('DELETE', `${path}/invitations/${invited.json.id}`)
    }
  })

  test('issue 5, 2: nobody changes, takes or undoes what holds more than they do: roles, memberships, invitations, users', async (t) => {
    const server = await startManaged(t, suite)
    await saveOwnRoles(server)
    const operator = await manager(server)
    const helper = await manager(server, ['helper'], tenantPlace('acme'))
    const registrar = await manager(server, ['registrar'], tenantPlace('acme'))
    const roleMaker = await manager(server, ['role_maker'], tenantPlace('acme'))
    const user = await newUser(operator, 'ada')
    const body = { member: `user:${user}`, roles: ['tenant_admin'] }
    made(await operator.call('POST', `${acme}/memberships`, { body }))
    const membership = `${acme}/memberships/user:${user}`
    assertProblem(await change(helper, membership, { roles: ['helper'] }), 403, 'forbidden')
    assertProblem(await helper.call('DELETE', membership), 403, 'forbidden')
    const added = await change(helper, membership, { roles: ['tenant_admin', 'helper'] })
    assert.equal(added.status, 200, added.text)
    assertProblem(
      await change(registrar, `${acme}/users/${user}`, { email: 'eve@example.com' }),
      403,
      'forbidden',
    )
    assertProblem(await change(registrar, `${acme}/users/${user}`, { disabled: true }), 403, 'forbidden')
    assertProblem(await registrar.call('DELETE', `${acme}/users/${user}`), 403, 'forbidden')
    const other = await newUser(operator, 'bob')
    assert.equal((await registrar.call('DELETE', `${acme}/users/${other}`)).status, 204)
    const invited = made(
      await operator.call('POST', `${acme}/invitations`, {
        body: { email: 'eve@example.com', roles: ['staff'] },
      }),
    )
    assertProblem(await helper.call('DELETE', `${acme}/invitations/${invited.json.id}`), 403, 'forbidden')
    for (const permission of ['manage_people', 'manage_tenants'])
      assertProblem(
        await roleMaker.call('POST', `${acme}/roles`, {
          body: { id: 'mine', name: 'Mine', permissions: ['read_apps', permission] },
        }),
        403,
        'forbidden',
      )
    assertProblem(
      await change(roleMaker, `${acme}/roles/role_maker`, { permissions: permissionsBut('create_tenants') }),
      403,
      'forbidden',
    )
    assertProblem(
      await change(roleMaker, `${acme}/roles/helper`, { permissions: ['read_apps'] }),
      403,
      'forbidden',
    )
    assertProblem(await roleMaker.call('DELETE', `${acme}/roles/helper`), 403, 'forbidden')
  })

  test('decision 0019: a token that is weaker than its app makes nobody stronger than the token', async (t) => {
    const server = await startManaged(t, suite)
    const weak = await manager(server, ['tenant_admin'], tenantPlace('acme'), 'manage_people')
    const receiver = await manager(server, [], tenantPlace('umbrella'))
    const body = { member: `app:${receiver.clientId}`, roles: ['tenant_admin'] }
    const refused = await weak.call('POST', `${acme}/memberships`, { body })
    assertProblem(refused, 403, 'insufficient_scope')
    assert.match(refused.headers['WWW-Authenticate'] ?? '', /scope="[^"]*manage_tenants/)
  })
})

const permissionsBut = (left: string) => permissionNames.filter((name) => name !== left)
