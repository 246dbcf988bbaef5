// Who may see the whole server is told what is missing; to everybody else it is one answer with what others have.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forEachStore, type TestServer } from '../harness.ts'
import {
  type Answer,
  assertProblem,
  manager,
  organizationPlace,
  startManaged,
  tenantPlace,
} from './managed.ts'

const body = { id: 'new', name: 'New' }

/** All that tells one refusal from another. */
const told = ({ status, json, headers }: Answer): object => {
  const { request_id, ...rest } = json
  const { 'X-Request-Id': ofHeader, 'RateLimit-Remaining': left, RateLimit: rate, ...others } = headers
  return { status, rest, others }
}

const clientIdOf = (server: TestServer, app: string): string => server.credential('acme', app)[0]

forEachStore((_engine, suite) => {
  test('an operator of the whole server is told which of the things in the path is missing', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const sync = clientIdOf(server, 'sync')
    for (const [method, path, sentence] of [
      ['POST', '/tenants/acmee/organizations/customer/apps', 'There is no tenant acmee.'],
      [
        'POST',
        '/tenants/acme/organizations/custmer/apps',
        'There is no organization custmer in tenant acme.',
      ],
      ['GET', '/tenants/acme/apps/nobody', 'There is no app nobody in tenant acme.'],
      ['GET', '/tenants/acme/apps/nobody/credentials/main', 'There is no app nobody in tenant acme.'],
      ['GET', `/tenants/acme/apps/${sync}/credentials/x`, `There is no credential ${sync} x in tenant acme.`],
    ] as const) {
      const answer = await operator.call(method, path, method === 'POST' ? { body } : {})
      assertProblem(answer, 404, 'not_found')
      assert.equal(answer.json.detail, sentence)
    }
  })

  test('trust F19: to others what is missing and what is hidden are the same answer', async (t) => {
    const server = await startManaged(t, suite)
    const pay = clientIdOf(server, 'pay')
    const place = organizationPlace('acme', 'customer')
    const member = await manager(server, ['organization_admin'], place)
    const pairs = [
      [`/tenants/acme/apps/${pay}`, '/tenants/acme/apps/nobody'],
      ['/tenants/acme/apps/pay', '/tenants/acme/apps/nobody'],
      ['/tenants/acme/organizations/globex', '/tenants/acme/organizations/nobody'],
      ['/tenants/umbrella', '/tenants/nobody'],
    ] as const
    for (const [hidden, missing] of pairs) {
      const [one, other] = [await member.call('GET', hidden), await member.call('GET', missing)]
      assertProblem(one, 404, 'not_found')
      assert.deepEqual(told(one), told(other))
      assert.equal(one.json.detail, undefined)
    }
    const ofTenant = await manager(server, ['tenant_admin'], tenantPlace('acme'))
    assert.equal((await ofTenant.call('GET', '/tenants/acme/apps/nobody')).json.detail, undefined)
  })

  test('who may read an app and names it by its id is told its client id, and nobody else', async (t) => {
    const server = await startManaged(t, suite)
    const sentence = `The app sync is named by its client id here: ${clientIdOf(server, 'sync')}.`
    const ofCustomer = organizationPlace('acme', 'customer')
    const may = await manager(server, ['organization_admin'], ofCustomer)
    assert.equal((await may.call('GET', '/tenants/acme/apps/sync')).json.detail, sentence)
    assert.equal((await may.call('GET', '/tenants/acme/apps/sync/credentials')).json.detail, sentence)
    for (const other of [
      await manager(server, ['organization_admin'], organizationPlace('acme', 'globex')),
      await manager(server, ['organization_admin'], ofCustomer, 'read_organizations'),
    ])
      assert.equal((await other.call('GET', '/tenants/acme/apps/sync')).json.detail, undefined)
  })

  test('trust F19: a client id of another organization is not told by an app of ours with that id, nor by what it is answered', async (t) => {
    const server = await startManaged(t, suite)
    const member = await manager(server, ['organization_admin'], organizationPlace('acme', 'customer'))
    const pay = clientIdOf(server, 'pay')
    const path = '/tenants/acme/organizations/customer/apps'
    const ours = [pay, 'nobody'].map((id) => member.call('POST', path, { body: { id, name: id } }))
    const made = await Promise.all(ours)
    assert.deepEqual(
      made.map(({ status }) => status),
      [201, 201],
    )
    const [hidden, missing] = [
      await member.call('GET', `/tenants/acme/apps/${pay}`),
      await member.call('GET', '/tenants/acme/apps/nobody'),
    ]
    for (const [index, answer] of [hidden, missing].entries()) {
      assertProblem(answer, 404, 'not_found')
      assert.match(answer.json.detail, new RegExp(`: ${made[index]?.json.client_id}\\.$`))
    }
  })

  test('apps are listed by id, of the tenant and of one organization', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const idsOf = async (query: string) =>
      (await operator.call('GET', `/tenants/acme/apps?${query}`)).json.items.map(
        (one: { readonly id: string; readonly client_id: string }) => [one.id, one.client_id],
      )
    const pay = [['pay', clientIdOf(server, 'pay')]]
    assert.deepEqual(await idsOf('id=pay'), pay)
    assert.deepEqual(await idsOf('id=pay&organization=globex&limit=1'), pay)
    assert.deepEqual(await idsOf('id=pay&organization=customer'), [])
    assert.deepEqual(await idsOf('id=nobody'), [])
  })
})
