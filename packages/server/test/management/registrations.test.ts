// RFC 7592: the people of an app that has lost its registration access token give it another, and the one before is dead.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forEachStore, oneStore } from '../harness.ts'
import { report, found as reported, scannerDoubles } from '../http/scanner.ts'
import { assertNoToken, startRegistering, type World } from '../oauth/registering.ts'
import { assertProblem, type Manager, manager, organizationPlace } from './managed.ts'
import { acme } from './people.ts'

const place = organizationPlace('acme', 'customer')

const rotate = (caller: Manager, clientId: string) =>
  caller.call('POST', `${acme}/apps/${clientId}/rotate-registration-access-token`)

async function recordsOf({ operator }: World) {
  const { json } = await operator.call('GET', `${acme}/audit-records?action=rotateRegistrationAccessToken`)
  return json.items
}

forEachStore((_engine, suite) => {
  test('RFC 7592 §3: an admin gives an app another registration access token; with the one before nothing can be done any more', async (t) => {
    const world = await startRegistering(t, suite)
    const answer = await world.register(await world.give(), { contacts: ['ops@globex.example'] })
    const { client_id: clientId } = answer.json
    const admin = await manager(world.server, ['organization_admin'], place)
    const rotated = await rotate(admin, clientId)
    assert.equal(rotated.status, 201, rotated.text)
    const { registration_access_token: token, ...rest } = rotated.json
    assert.match(token, /^sp_rat_\w{49}$/)
    assert.deepEqual(Object.keys(rest), ['client_id', 'registration_token'])
    for (const method of ['GET', 'DELETE']) assertNoToken(await world.configure(method, answer))
    assertNoToken(await world.configure('PUT', answer, { body: { client_id: clientId } }))
    const read = await world.configure('GET', answer, { token })
    assert.deepEqual(read.json.contacts, ['ops@globex.example'])
    const body = { client_id: clientId, client_name: 'Found again' }
    assert.equal((await world.configure('PUT', answer, { body, token })).json.client_name, 'Found again')
    const [record] = await recordsOf(world)
    assert.deepEqual([record.actor, record.target], [`app ${admin.clientId}`, `app ${clientId}`])
    assert.ok(!JSON.stringify([record, world.server.logLines]).includes(token.slice(7, 40)))
  })

  test('trust R12: of a rotation and changes with the old token at once each is whole, and afterwards the new one alone is good', async (t) => {
    const world = await startRegistering(t, suite)
    const answer = await world.register(await world.give(), {})
    const { client_id } = answer.json
    const put = () => world.configure('PUT', answer, { body: { client_id, client_name: 'Old' } })
    const [, rotated, other] = await Promise.all([
      put(),
      rotate(world.operator, client_id),
      rotate(world.operator, client_id),
      put(),
    ])
    assertNoToken(await put())
    const statuses = await Promise.all(
      [rotated, other].map(async (one) => {
        const token = one.json.registration_access_token
        return (await world.configure('GET', answer, { token })).status
      }),
    )
    assert.deepEqual(statuses.toSorted(), [200, 401])
  })

  test('RFC 7592 §5: an app whose token was found in public gets one again, within what it could have before', async (t) => {
    const world = await startRegistering(t, suite, scannerDoubles().doubles)
    const terms = { client_authentication: ['client_secret_basic'] }
    const answer = await world.register(await world.give(terms), { contacts: ['ops@globex.example'] })
    const { client_id, registration_access_token: leaked } = answer.json
    await report(world.server, reported(leaked))
    assertNoToken(await world.configure('GET', answer))
    assertNoToken(await world.configure('GET', answer, { token: '' }))
    const rotated = await rotate(world.operator, client_id)
    const token = rotated.json.registration_access_token
    assert.deepEqual((await world.configure('GET', answer, { token })).json.contacts, ['ops@globex.example'])
    const other = { client_id, token_endpoint_auth_method: 'client_secret_post' }
    assert.equal((await world.configure('PUT', answer, { body: other, token })).status, 400)
    const [record] = await recordsOf(world)
    assert.deepEqual([record.before.looks_after_itself, record.after.looks_after_itself], [false, true])
    // What was counted of it is told with the rest.
    const { body } = await world.server.server.metrics.render()
    assert.match(body, /^sallyport_exposed_credentials_total\{tenant="acme"\} 1$/m)
  })
})

test('trust F24: whoever may not change the app’s credentials gets no token that could, and an app that people made has none', async (t) => {
  const world = await startRegistering(t, oneStore)
  const answer = await world.register(await world.give(), {})
  const { client_id } = answer.json
  const staff = await manager(world.server, ['staff'], place)
  assertProblem(await rotate(staff, client_id), 403, 'forbidden')
  const [ofPeople] = world.server.credential('acme', 'sync')
  assertProblem(await rotate(world.operator, ofPeople), 409, 'conflict')
  const stranger = await manager(world.server, ['organization_admin'], organizationPlace('acme', 'globex'))
  assertProblem(await rotate(stranger, client_id), 404, 'not_found')
  assert.equal((await world.configure('GET', answer)).status, 200)
  // Who was cut off is not let in again by it.
  const app = `${acme}/apps/${client_id}`
  const { etag = '' } = await world.operator.call('GET', app)
  await world.operator.call('PATCH', app, { body: { disabled: true }, headers: { 'if-match': etag } })
  const token = (await rotate(world.operator, client_id)).json.registration_access_token
  assert.equal((await world.configure('GET', answer, { token })).status, 403)
})
