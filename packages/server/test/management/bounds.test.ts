// trust R12: no list that the people of one organization can make longer grows without end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { most } from '../../src/management/bounds.ts'
import { saveApp } from '../../src/store/apps.ts'
import { addCredential } from '../../src/store/credential-terms.ts'
import { forEachStore } from '../harness.ts'
import { assertProblem, change, manager, organizationPlace, startManaged } from './managed.ts'
import { appOf, customer } from './people.ts'

const place = organizationPlace('acme', 'customer')

forEachStore((_engine, suite) => {
  test('trust R12: an app has ten good secrets at most, however it would get another', async (t) => {
    const server = await startManaged(t, suite)
    const admin = await manager(server, ['organization_admin'], place)
    const app = appOf(server, 'sync')
    const create = (body: object) => admin.call('POST', `${app}/credentials`, { body })
    const rotate = (body: object) => admin.call('POST', `${app}/rotate-secret`, { body })
    for (let index = 1; index < most.goodSecrets; index++)
      assert.equal((await create({ id: `s${index}`, secret: 'generated' })).status, 201)
    const refused = await create({ secret: 'generated' })
    assertProblem(refused, 409, 'conflict')
    assert.match(refused.json.detail, /at most 10 good secrets/)
    const hash = `$2b$10$${'N9qo8uLOickgx2ZMRZoMye'}${'IjZAgcfl7p92ldGxad68LJZdL17lhWy'}`
    assertProblem(await create({ secret: { hash } }), 409, 'conflict')
    assertProblem(await rotate({}), 409, 'conflict')
    assert.equal((await rotate({ overlap_seconds: 0 })).status, 201)
    assert.equal((await create({ id: 'again', secret: 'generated' })).status, 201)
  })

  test('trust R12: rotating without end leaves no endless list of secrets', async (t) => {
    const server = await startManaged(t, suite)
    const admin = await manager(server, ['organization_admin'], place)
    const [clientId] = server.credential('acme', 'sync')
    await server.db.write(async (tx) => {
      const ended = { format: 'hmac', verifier: Buffer.alloc(32), pepperVersion: 1, expiresAt: 1 }
      for (let index = 1; index < most.credentials; index++)
        await addCredential(tx, 'acme', clientId, { id: `old-${index}`, ...ended })
    })
    const path = `/tenants/acme/apps/${clientId}`
    assertProblem(await admin.call('POST', `${path}/rotate-secret`, { body: {} }), 409, 'conflict')
    assert.equal((await admin.call('DELETE', `${path}/credentials/old-1`)).status, 204)
    assert.equal((await admin.call('POST', `${path}/rotate-secret`, { body: {} })).status, 201)
  })

  test('trust R12: of requests for keys twenty wait, and of invitations there are a hundred', async (t) => {
    const server = await startManaged(t, suite)
    const admin = await manager(server, ['organization_admin'], place)
    const ask = () =>
      admin.call('POST', `${customer}/key-requests`, { body: { app_name: 'One', purpose: 'More.' } })
    const asked = []
    for (let index = 0; index < most.openKeyRequests; index++) asked.push(await ask())
    assert.ok(asked.every(({ status }) => status === 201))
    assertProblem(await ask(), 409, 'conflict')
    await admin.call('DELETE', `${customer}/key-requests/${asked[0]?.json.id}`)
    assert.equal((await ask()).status, 201)

    const invite = (index: number) =>
      admin.call('POST', `${customer}/invitations`, {
        body: { email: `p${index}@example.com`, roles: ['developer'], expires_in_seconds: 60 },
      })
    for (let index = 0; index < most.invitations; index++) assert.equal((await invite(index)).status, 201)
    await server.advance(61)
    assertProblem(await invite(most.invitations), 409, 'conflict')
  })

  test('trust R12: an organization makes a thousand apps itself; the provider can make more for it', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const admin = await manager(server, ['organization_admin'], place)
    await server.db.write(async (tx) => {
      const common = { organizationId: 'customer', name: 'App', settings: {} }
      for (let index = 1; index < most.apps; index++)
        await saveApp(tx, 'acme', { clientId: `client-${index}`, id: `app-${index}`, ...common })
    })
    const body = { id: 'one-more', name: 'One more' }
    assertProblem(await admin.call('POST', `${customer}/apps`, { body }), 409, 'conflict')
    assert.equal((await operator.call('POST', `${customer}/apps`, { body })).status, 201)
    assert.equal((await change(admin, '/tenants/acme/apps/client-1', { name: 'Mine' })).status, 200)
  })
})
