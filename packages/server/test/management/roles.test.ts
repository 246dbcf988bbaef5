// Issue 5, 1: roles of a tenant over the management API, on both databases.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forEachStore } from '../harness.ts'
import { assertProblem, change, manager, organizationPlace, startManaged } from './managed.ts'
import { acme, customer, made, newUser } from './people.ts'

forEachStore((_engine, suite) => {
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
})
