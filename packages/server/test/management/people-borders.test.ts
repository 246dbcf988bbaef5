// trust F19, F24: what bodies and ids of people cannot do over the management API.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forEachStore } from '../harness.ts'
import { type Answer, assertProblem, change, manager, startManaged, tenantPlace } from './managed.ts'
import { acme, made, newUser } from './people.ts'

forEachStore((_engine, suite) => {
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
