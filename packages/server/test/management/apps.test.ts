// Issue 5, 1: apps and their credentials over the management API, on both databases.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forEachStore } from '../harness.ts'
import { assertProblem, manager, startManaged } from './managed.ts'

forEachStore((_engine, suite) => {
  test('003-03, 004-01: an app is made, gets a secret that is shown once, gets a token with it, and is removed', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const created = await operator.call('POST', '/tenants/acme/organizations/customer/apps', {
      body: { id: 'new-app', name: 'New app', scopes: { rest: ['read'] } },
    })
    assert.equal(created.status, 201, created.text)
    const { client_id: clientId } = created.json
    assert.equal(created.headers.Location, `/manage/v1/tenants/acme/apps/${clientId}`)
    const secret = await operator.call('POST', `/tenants/acme/apps/${clientId}/credentials`, {
      body: { id: 'main', secret: 'generated' },
    })
    assert.equal(secret.status, 201, secret.text)
    assert.match(secret.json.client_secret, /^sp_test_/)
    const token = await server.token('acme', { basic: [clientId, secret.json.client_secret] })
    assert.equal(token.json.scope, 'read')
    const shown = await operator.call('GET', `/tenants/acme/apps/${clientId}/credentials/main`)
    assert.ok(!shown.text.includes('sp_test_'))
    const removed = await operator.call('DELETE', `/tenants/acme/apps/${clientId}`)
    assert.equal(removed.status, 204, removed.text)
    assert.equal((await server.token('acme', { basic: [clientId, secret.json.client_secret] })).status, 401)
    assertProblem(await operator.call('GET', `/tenants/acme/apps/${clientId}`), 404, 'not_found')
  })
})
