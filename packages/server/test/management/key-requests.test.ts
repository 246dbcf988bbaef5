// 000-01, 000-02: an organization asks for authentication keys, and the provider's people decide, on both databases.
import assert from 'node:assert/strict'
import { test } from 'node:test'
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
import { acme, customer } from './people.ts'

const wish = { app_name: 'Billing sync', purpose: 'Books invoices each night.' }

async function ask(caller: Manager, organization = 'customer'): Promise<Answer> {
  const answer = await caller.call('POST', `${acme}/organizations/${organization}/key-requests`, {
    body: wish,
  })
  assert.equal(answer.status, 201, answer.text)
  return answer
}

const people = async (server: TestServer) => ({
  developer: await manager(server, ['developer'], organizationPlace('acme', 'customer')),
  staff: await manager(server, ['staff'], tenantPlace('acme')),
})

forEachStore((_engine, suite) => {
  test('000-01, 000-02: an organization asks, staff approves, and the new app gets its keys and a token', async (t) => {
    const server = await startManaged(t, suite)
    const { developer, staff } = await people(server)
    const asked = await ask(developer)
    const { id } = asked.json
    assert.equal(asked.headers.Location, `/manage/v1${customer}/key-requests/${id}`)
    assert.deepEqual([asked.json.state, asked.json.asked_by], ['asked', `app ${developer.clientId}`])
    const waiting = await staff.call('GET', `${acme}/key-requests?state=asked`)
    assert.deepEqual(waiting.json.items, [asked.json])
    const body = { id: 'billing', scopes: { rest: ['read'] }, answer: 'Welcome.' }
    const operator = await manager(server)
    const { etag = '' } = await operator.call('GET', customer)
    assertProblem(await staff.call('POST', `${acme}/key-requests/${id}/approve`, { body }), 403, 'forbidden')
    await operator.call('PATCH', customer, { body: { plan: 'reader' }, headers: { 'if-match': etag } })
    const approved = await staff.call('POST', `${acme}/key-requests/${id}/approve`, { body })
    assert.equal(approved.status, 200, approved.text)
    const { client_id: clientId } = approved.json
    assert.deepEqual(
      [approved.json.state, approved.json.answer, approved.json.decided_by, approved.json.decided_at],
      ['approved', 'Welcome.', `app ${staff.clientId}`, server.clock()],
    )
    assert.deepEqual((await developer.call('GET', `${customer}/key-requests/${id}`)).json, approved.json)
    assert.deepEqual((await staff.call('GET', `${acme}/key-requests?state=asked`)).json.items, [])
    const app = await developer.call('GET', `${acme}/apps/${clientId}`)
    assert.deepEqual(
      [app.json.name, app.json.organization, app.json.id],
      ['Billing sync', 'customer', 'billing'],
    )
    assert.deepEqual((await developer.call('GET', `${acme}/apps/${clientId}/credentials`)).json.items, [])
    const admin = await manager(server, ['organization_admin'], organizationPlace('acme', 'customer'))
    const secret = await admin.call('POST', `${acme}/apps/${clientId}/credentials`, {
      body: { secret: 'generated' },
    })
    const token = await server.token('acme', { basic: [clientId, secret.json.client_secret] })
    assert.equal(token.json.scope, 'read', token.text)
  })

  test('000-02: a refusal says why, makes no app, and cannot be followed by another decision', async (t) => {
    const server = await startManaged(t, suite)
    const { developer, staff } = await people(server)
    const path = `${acme}/key-requests/${(await ask(developer)).json.id}`
    assertProblem(await staff.call('POST', `${path}/refuse`, { body: {} }), 400, 'invalid_body')
    const refused = await staff.call('POST', `${path}/refuse`, { body: { answer: 'No contract.' } })
    assert.deepEqual(
      [refused.json.state, refused.json.answer, refused.json.client_id],
      ['refused', 'No contract.', null],
    )
    assertProblem(await staff.call('POST', `${path}/approve`, { body: { id: 'late' } }), 409, 'conflict')
    assertProblem(await staff.call('POST', `${path}/refuse`, { body: { answer: 'Again.' } }), 409, 'conflict')
    assert.deepEqual((await staff.call('GET', path)).json, refused.json)
    assert.equal((await staff.call('GET', `${customer}/apps`)).json.items.length, 1)
    const { json } = await (await manager(server)).call('GET', `${acme}/audit-records`)
    const actions = json.items.map(
      ({ action, outcome }: { action: string; outcome: string }) => `${action} ${outcome}`,
    )
    assert.deepEqual(
      actions.filter((one: string) => one.includes('KeyRequest')),
      ['refuseKeyRequest done', 'createKeyRequest done'],
    )
  })

  test('000-02: of 50 who decide at once exactly one has decided, and at most one app is made', async (t) => {
    const server = await startManaged(t, suite)
    const { developer, staff } = await people(server)
    const path = `${acme}/key-requests/${(await ask(developer)).json.id}`
    const decisions = Array.from({ length: 50 }, (_, index) =>
      index % 2 === 0
        ? staff.call('POST', `${path}/approve`, { body: { id: `app-${index}` } })
        : staff.call('POST', `${path}/refuse`, { body: { answer: `No, says ${index}.` } }),
    )
    const answers = await Promise.all(decisions)
    const winners = answers.filter(({ status }) => status === 200)
    assert.equal(winners.length, 1)
    for (const answer of answers) if (answer.status !== 200) assertProblem(answer, 409, 'conflict')
    assert.deepEqual((await staff.call('GET', path)).json, winners[0]?.json)
    const apps = (await staff.call('GET', `${customer}/apps`)).json.items as { client_id: string }[]
    const clientId = winners[0]?.json.client_id
    assert.equal(apps.length, clientId === null ? 1 : 2)
    assert.ok(clientId === null || apps.some(({ client_id }) => client_id === clientId))
  })

  test('000-02: an approval that cannot make its app decides nothing', async (t) => {
    const server = await startManaged(t, suite)
    const { developer, staff } = await people(server)
    const path = `${acme}/key-requests/${(await ask(developer)).json.id}`
    assertProblem(await staff.call('POST', `${path}/approve`, { body: { id: 'sync' } }), 409, 'conflict')
    const admin = await manager(server, ['tenant_admin'], tenantPlace('acme'))
    const wrong = await admin.call('POST', `${path}/approve`, {
      body: { id: 'new', scopes: { rest: ['erase'] } },
    })
    assertProblem(wrong, 400, 'invalid_body')
    assert.match(wrong.json.errors[0].pointer, /^\/scopes\/rest/)
    assert.equal((await staff.call('GET', path)).json.state, 'asked')
  })

  test('issue 5, 2: nobody decides what their own organization asks, and none sees what another has asked', async (t) => {
    const server = await startManaged(t, suite)
    const { developer, staff } = await people(server)
    const { id } = (await ask(developer)).json
    const admin = await manager(server, ['organization_admin'], organizationPlace('acme', 'customer'))
    const decision = { body: { id: 'mine' } }
    assertProblem(await admin.call('POST', `${acme}/key-requests/${id}/approve`, decision), 404, 'not_found')
    assertProblem(await admin.call('GET', `${acme}/key-requests`), 404, 'not_found')
    const globex = await manager(server, ['organization_admin'], organizationPlace('acme', 'globex'))
    assertProblem(await globex.call('GET', `${customer}/key-requests/${id}`), 404, 'not_found')
    assertProblem(
      await globex.call('GET', `${acme}/organizations/globex/key-requests/${id}`),
      404,
      'not_found',
    )
    assert.deepEqual((await globex.call('GET', `${acme}/organizations/globex/key-requests`)).json.items, [])
    assertProblem(await staff.call('POST', `${customer}/key-requests`, { body: wish }), 403, 'forbidden')
    const stranger = await manager(server, ['tenant_admin'], tenantPlace('umbrella'))
    const without = ({ text, json }: Answer) => text.replace(json.request_id, '')
    for (const tenant of ['acme', 'umbrella']) {
      const real = await stranger.call('POST', `/tenants/${tenant}/key-requests/${id}/approve`, decision)
      const unknown = await stranger.call(
        'POST',
        `/tenants/${tenant}/key-requests/req_none/approve`,
        decision,
      )
      assertProblem(real, 404, 'not_found')
      assert.equal(without(real), without(unknown))
    }
  })

  test('000-02: a request can be taken back until it is decided; pages go by how long each has waited', async (t) => {
    const server = await startManaged(t, suite)
    const { developer, staff } = await people(server)
    const asked: string[] = []
    for (let index = 0; index < 3; index++) {
      asked.push((await ask(developer)).json.id)
      await server.advance(1)
    }
    const listed: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const suffix: string = cursor === '' ? '' : `&cursor=${cursor}`
      const { json } = await developer.call('GET', `${customer}/key-requests?limit=1${suffix}`)
      listed.push(...json.items.map((one: { id: string }) => one.id))
      cursor = json.next_cursor
    }
    assert.deepEqual(listed, asked)
    const [first = '', second = ''] = asked
    assert.equal((await developer.call('DELETE', `${customer}/key-requests/${first}`)).status, 204)
    assertProblem(await staff.call('GET', `${acme}/key-requests/${first}`), 404, 'not_found')
    await staff.call('POST', `${acme}/key-requests/${second}/refuse`, { body: { answer: 'No.' } })
    assertProblem(await developer.call('DELETE', `${customer}/key-requests/${second}`), 409, 'conflict')
    const ofGlobex = await staff.call('GET', `${acme}/key-requests?organization=globex`)
    assert.deepEqual(ofGlobex.json.items, [])
  })

  test('trust F24: internal fields of a request or a decision are refused by name', async (t) => {
    const server = await startManaged(t, suite)
    const { developer, staff } = await people(server)
    const { id } = (await ask(developer)).json
    const internal = {
      state: 'approved',
      client_id: 'mine',
      asked_by: 'app x',
      decided_by: 'app x',
      decided_at: 1,
      organization: 'globex',
      tenant_id: 'umbrella',
    }
    for (const [name, value] of Object.entries(internal)) {
      for (const [caller, path, body] of [
        [developer, `${customer}/key-requests`, wish],
        [staff, `${acme}/key-requests/${id}/approve`, { id: 'mine' }],
        [staff, `${acme}/key-requests/${id}/refuse`, { answer: 'No.' }],
      ] as const) {
        const answer = await caller.call('POST', path, { body: { ...body, [name]: value } })
        assertProblem(answer, 400, 'invalid_body')
        assert.equal(answer.json.errors[0].pointer, `/${name}`)
      }
    }
    assert.equal((await staff.call('GET', `${acme}/key-requests/${id}`)).json.state, 'asked')
  })
})
