// Issue 5, 1: users, memberships, roles and invitations over the management API, on both databases.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { wholeServer } from '../../src/management/authorize.ts'
import { permissionNames } from '../../src/management/permissions.ts'
import { saveApp } from '../../src/store/apps.ts'
import { listRevocations } from '../../src/store/revocations.ts'
import { saveRole } from '../../src/store/roles.ts'
import { forEachStore, type TestServer } from '../harness.ts'
import {
  type Answer,
  assertProblem,
  type Manager,
  manager,
  organizationPlace,
  startManaged,
  tenantPlace,
} from './managed.ts'

const acme = '/tenants/acme'
const customer = `${acme}/organizations/customer`

const made = (answer: Answer): Answer => {
  assert.equal(answer.status, 201, answer.text)
  return answer
}

async function newUser(operator: Manager, name: string, tenant = 'acme'): Promise<string> {
  const body = { email: `${name}@example.com`, name }
  return made(await operator.call('POST', `/tenants/${tenant}/users`, { body })).json.id
}

const change = async (caller: Manager, path: string, body: object): Promise<Answer> => {
  const { etag = '' } = await caller.call('GET', path)
  return caller.call('PATCH', path, { body, headers: { 'if-match': etag } })
}

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

const outcomeOf = ({ status, json }: Answer): string =>
  status < 400 ? String(status) : `${status} ${json.code}`

forEachStore((_engine, suite) => {
  test('issue 5, 1: a user is made, found by e-mail address in any case, changed, and removed with its memberships', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const body = { email: 'Ada@Globex.Example', name: 'Ada' }
    const created = made(await operator.call('POST', `${acme}/users`, { body }))
    const { id } = created.json
    assert.match(id, /^usr_[0-9a-z]{24}$/)
    assert.equal(created.headers.Location, `/manage/v1${acme}/users/${id}`)
    assert.equal(created.json.email, 'ada@globex.example')
    const found = await operator.call('GET', `${acme}/users?email=ADA@globex.example`)
    assert.deepEqual(found.json.items, [created.json])
    assertProblem(
      await operator.call('POST', `${acme}/users`, { body: { email: 'ADA@globex.example', name: 'Twin' } }),
      409,
      'conflict',
    )
    const other = await newUser(operator, 'bob')
    assertProblem(
      await change(operator, `${acme}/users/${other}`, { email: 'ada@GLOBEX.example' }),
      409,
      'conflict',
    )
    const renamed = await change(operator, `${acme}/users/${id}`, { name: 'Ada Lovelace' })
    assert.deepEqual(
      [renamed.status, renamed.json.name, renamed.json.email],
      [200, 'Ada Lovelace', body.email.toLowerCase()],
    )
    for (const place of [acme, customer]) {
      const membership = { member: `user:${id}`, roles: ['developer'] }
      made(await operator.call('POST', `${place}/memberships`, { body: membership }))
    }
    const belongs = await operator.call('GET', `${acme}/users/${id}/memberships`)
    assert.deepEqual(
      belongs.json.items.map(({ organization }: { organization: string | null }) => organization),
      [null, 'customer'],
    )
    assert.equal((await operator.call('DELETE', `${acme}/users/${id}`)).status, 204)
    assertProblem(await operator.call('GET', `${acme}/users/${id}`), 404, 'not_found')
    for (const place of [acme, customer])
      assert.deepEqual((await operator.call('GET', `${place}/memberships`)).json.items, [])
  })

  test('issue 5, 1: a disabled or removed user is cut off: tokens that speak for it are dead', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const [disabled, removed] = [await newUser(operator, 'ada'), await newUser(operator, 'bob')]
    const shown = await change(operator, `${acme}/users/${disabled}`, { disabled: true })
    assert.equal(shown.json.disabled, true)
    await operator.call('DELETE', `${acme}/users/${removed}`)
    const cut = (await listRevocations(server.db, 'acme')).map(
      ({ kind, subjectId }) => `${kind} ${subjectId}`,
    )
    assert.deepEqual(cut.toSorted(), [`user ${disabled}`, `user ${removed}`].toSorted())
  })

  test('RFC 9700 §4.15: no user has an id that a client has or could be given, and no address but one in ASCII', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const [syncId] = server.credential('acme', 'sync')
    for (const id of [syncId, 'ada', 'usr_', 'usr-ada', 'usr_a b', 'app_1']) {
      const answer = await operator.call('POST', `${acme}/users`, {
        body: { id, email: 'ada@example.com', name: 'Ada' },
      })
      assertProblem(answer, 400, 'invalid_body')
      assert.equal(answer.json.errors[0].pointer, '/id')
    }
    const odd = { clientId: 'usr_app', id: 'odd', organizationId: 'customer', name: 'Odd', settings: {} }
    await server.db.write((tx) => saveApp(tx, 'umbrella', odd))
    const taken = { id: 'usr_app', email: 'ada@example.com', name: 'Ada' }
    assertProblem(await operator.call('POST', '/tenants/umbrella/users', { body: taken }), 409, 'conflict')
    assert.equal(made(await operator.call('POST', `${acme}/users`, { body: taken })).json.id, 'usr_app')
    for (const email of [
      'ada',
      'ada@',
      '@x',
      'a b@x.example',
      'ada@ex@ample',
      'adaı@example.com',
      'a@b\u0007',
    ]) {
      const body = { email, name: 'Ada' }
      assertProblem(await operator.call('POST', `${acme}/users`, { body }), 400, 'invalid_body')
    }
  })

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

  test('issue 5, 2: roles are listed built-in ones first; a tenant makes, changes and removes its own', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const body = { id: 'support', name: 'Support', permissions: ['manage_apps', 'read_apps'] }
    const created = made(await operator.call('POST', `${acme}/roles`, { body }))
    assert.deepEqual(created.json.permissions, ['read_apps', 'manage_apps'])
    assert.deepEqual([created.json.built_in, created.json.reach], [false, 'organization'])
    made(await operator.call('POST', `${acme}/roles`, { body: { ...body, id: 'a_role' } }))
    const all = (await operator.call('GET', `${acme}/roles`)).json.items as {
      id: string
      built_in: boolean
    }[]
    assert.deepEqual(all.map(({ id }) => id).slice(-2), ['a_role', 'support'])
    assert.deepEqual(
      all.map(({ built_in }) => built_in),
      [...Array(7).fill(true), false, false],
    )
    const paged: object[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const suffix: string = cursor === '' ? '' : `&cursor=${cursor}`
      const { json } = await operator.call('GET', `${acme}/roles?limit=2${suffix}`)
      paged.push(...json.items)
      cursor = json.next_cursor
    }
    assert.deepEqual(paged, all)
    const admin = await manager(server, ['organization_admin'], organizationPlace('acme', 'customer'))
    assert.deepEqual((await admin.call('GET', `${acme}/roles`)).json.items, all)
    const renamed = await change(operator, `${acme}/roles/support`, { name: 'First line' })
    assert.deepEqual(renamed.json.permissions, ['read_apps', 'manage_apps'])
    assert.equal((await operator.call('DELETE', `${acme}/roles/support`)).status, 204)
    assertProblem(await operator.call('GET', `${acme}/roles/support`), 404, 'not_found')
  })

  test('issue 5, 2: a built-in role is nobody’s to change, and no role of a tenant takes its name or the server’s permissions', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const permissions = ['read_apps']
    assertProblem(
      await operator.call('POST', `${acme}/roles`, { body: { id: 'operator', name: 'O', permissions } }),
      409,
      'conflict',
    )
    assertProblem(await change(operator, `${acme}/roles/staff`, { name: 'Mine' }), 409, 'conflict')
    assertProblem(await operator.call('DELETE', `${acme}/roles/staff`), 409, 'conflict')
    for (const wrong of [['create_tenants'], ['erase'], []]) {
      const body = { id: 'mine', name: 'Mine', permissions: wrong }
      const answer = await operator.call('POST', `${acme}/roles`, { body })
      assertProblem(answer, 400, 'invalid_body')
      assert.match(answer.json.errors[0].pointer, /^\/permissions/)
    }
  })

  test('issue 5, 2: a role that somebody has cannot be removed, nor gain in an organization what is for tenants', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const body = { id: 'my_role', name: 'Support', permissions: ['read_apps'] }
    made(await operator.call('POST', `${acme}/roles`, { body }))
    // Its name fits the other's where `_` stands for any character.
    made(await operator.call('POST', `${acme}/roles`, { body: { ...body, id: 'my-role' } }))
    const user = await newUser(operator, 'ada')
    const membership = { member: `user:${user}`, roles: ['my-role', 'developer'] }
    made(await operator.call('POST', `${customer}/memberships`, { body: membership }))
    const wider = { permissions: ['read_apps', 'manage_organizations'] }
    assertProblem(await change(operator, `${acme}/roles/my-role`, wider), 409, 'conflict')
    assertProblem(await operator.call('DELETE', `${acme}/roles/my-role`), 409, 'conflict')
    assert.equal((await change(operator, `${acme}/roles/my_role`, wider)).status, 200)
    assert.equal((await operator.call('DELETE', `${acme}/roles/my_role`)).status, 204)
    await change(operator, `${customer}/memberships/user:${user}`, { roles: ['developer'] })
    const invited = made(
      await operator.call('POST', `${customer}/invitations`, {
        body: { email: 'b@example.com', roles: ['my-role'] },
      }),
    )
    assertProblem(await change(operator, `${acme}/roles/my-role`, wider), 409, 'conflict')
    assertProblem(await operator.call('DELETE', `${acme}/roles/my-role`), 409, 'conflict')
    await operator.call('DELETE', `${customer}/invitations/${invited.json.id}`)
    assert.equal((await operator.call('DELETE', `${acme}/roles/my-role`)).status, 204)
  })

  test('issue 5, 1: an invitation shows its token once; nothing but a digest of it is kept, and it can be taken back', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const body = { email: 'Ada@Example.com', roles: ['organization_admin'] }
    const headers = { 'idempotency-key': 'once' }
    const created = made(await operator.call('POST', `${customer}/invitations`, { body, headers }))
    const { id, token, expires_at, email } = created.json
    assert.match(token, /^sp_invite_[0-9A-Za-z]{43}$/)
    assert.deepEqual([expires_at - server.clock(), email], [604_800, 'ada@example.com'])
    const row = await server.db.kysely.selectFrom('invitations').selectAll().executeTakeFirstOrThrow()
    assert.deepEqual(Buffer.from(row.digest), createHash('sha256').update(token).digest())
    const repeated = await operator.call('POST', `${customer}/invitations`, { body, headers })
    assertProblem(repeated, 409, 'secret_shown_once')
    assertProblem(await operator.call('POST', `${customer}/invitations`, { body }), 409, 'conflict')
    const texts = [
      await operator.call('GET', `${customer}/invitations/${id}`),
      await operator.call('GET', `${acme}/invitations`),
      await operator.call('GET', `${acme}/audit-records`),
    ].map(({ text }) => text)
    for (const text of [...texts, JSON.stringify(server.logLines)]) assert.ok(!text.includes(token))
    assert.match(texts[1] ?? '', new RegExp(id))
    assertProblem(
      await operator.call('GET', `${acme}/organizations/globex/invitations/${id}`),
      404,
      'not_found',
    )
    assert.deepEqual((await operator.call('GET', `${acme}/organizations/globex/invitations`)).json.items, [])
    assert.equal((await operator.call('DELETE', `${customer}/invitations/${id}`)).status, 204)
    made(
      await operator.call('POST', `${customer}/invitations`, { body: { ...body, expires_in_seconds: 60 } }),
    )
    await server.advance(60)
    made(await operator.call('POST', `${customer}/invitations`, { body }))
    const first = await operator.call('GET', `${customer}/invitations?limit=1`)
    const second = await operator.call(
      'GET',
      `${customer}/invitations?limit=1&cursor=${first.json.next_cursor}`,
    )
    assert.equal(second.json.items[0].created_at - first.json.items[0].created_at, 60)
    assert.equal(second.json.next_cursor, null)
  })

  test('trust F24: internal fields of people in a body are refused by name, when made and when changed', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const user = await newUser(operator, 'ada')
    const membership = { member: `user:${user}`, roles: ['developer'] }
    const role = { id: 'mine', name: 'Mine', permissions: ['read_apps'] }
    made(await operator.call('POST', `${acme}/memberships`, { body: membership }))
    made(await operator.call('POST', `${acme}/roles`, { body: role }))
    const internal = {
      tenant_id: 'umbrella',
      organization_id: 'globex',
      created_at: 1,
      digest: 'x',
      token: 'x',
      accepted_at: 1,
      disabled_at: 1,
      built_in: true,
      sub: 'x',
    }
    const creations = [
      ['users', { email: 'b@example.com', name: 'B' }],
      ['memberships', membership],
      ['roles', { ...role, id: 'other' }],
      ['invitations', { email: 'b@example.com', roles: ['developer'] }],
    ] as const
    for (const [name, value] of Object.entries(internal)) {
      for (const [noun, body] of creations) {
        const answer = await operator.call('POST', `${acme}/${noun}`, { body: { ...body, [name]: value } })
        assertProblem(answer, 400, 'invalid_body')
        assert.equal(answer.json.errors[0].pointer, `/${name}`)
      }
      for (const path of [`users/${user}`, `memberships/user:${user}`, 'roles/mine'])
        assertProblem(await change(operator, `${acme}/${path}`, { [name]: value }), 400, 'invalid_body')
    }
    for (const [path, body] of [
      [`users/${user}`, { id: 'usr_other' }],
      [`memberships/user:${user}`, { member: 'user:usr_other' }],
      ['roles/mine', { id: 'other' }],
    ] as const)
      assertProblem(await change(operator, `${acme}/${path}`, body), 400, 'invalid_body')
  })

  test('trust 159: people of another tenant are answered as nobody, to the byte but for the request id', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const user = await newUser(operator, 'ada')
    const membership = { member: `user:${user}`, roles: ['developer'] }
    made(await operator.call('POST', `${acme}/memberships`, { body: membership }))
    const role = { id: 'mine', name: 'Mine', permissions: ['read_apps'] }
    made(await operator.call('POST', `${acme}/roles`, { body: role }))
    const invitation = { email: 'b@example.com', roles: ['developer'] }
    const invited = made(await operator.call('POST', `${acme}/invitations`, { body: invitation }))
    const stranger = await manager(server, ['tenant_admin'], tenantPlace('umbrella'))
    const without = ({ text, json }: Answer) => text.replace(json.request_id, '')
    for (const [real, unknown] of [
      [`users/${user}`, 'users/usr_nobody'],
      [`memberships/user:${user}`, 'memberships/user:usr_nobody'],
      ['roles/mine', 'roles/none'],
      [`invitations/${invited.json.id}`, 'invitations/inv_none'],
    ] as const) {
      for (const tenant of ['acme', 'umbrella']) {
        for (const method of ['GET', 'DELETE']) {
          const found = await stranger.call(method, `/tenants/${tenant}/${real}`)
          assertProblem(found, 404, 'not_found')
          assert.equal(without(found), without(await stranger.call(method, `/tenants/${tenant}/${unknown}`)))
        }
      }
    }
  })
})

const permissionsBut = (left: string) => permissionNames.filter((name) => name !== left)
