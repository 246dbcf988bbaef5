// Issue 5, 1: users over the management API, on both databases.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { saveApp } from '../../src/store/apps.ts'
import { listRevocations } from '../../src/store/revocations.ts'
import { forEachStore } from '../harness.ts'
import { assertProblem, change, manager, startManaged } from './managed.ts'
import { acme, customer, made, newUser } from './people.ts'

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
})
