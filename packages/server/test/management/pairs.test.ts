// Issue 5, 1: a test and a live tenant as a pair, over the management API.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forEachStore } from '../harness.ts'
import { assertProblem, change, manager, startManaged, tenantPlace } from './managed.ts'

forEachStore((_engine, suite) => {
  test('issue 5, 1: a pair is a tenant of the other environment that the caller sees; all else is one answer', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const acme = await operator.call('GET', '/tenants/acme')
    const environment = acme.json.environment === 'test' ? 'live' : 'test'
    const other = { id: 'other', name: 'Other', environment }
    const made = await operator.call('POST', '/tenants', { body: { ...other, pair: 'acme' } })
    assert.deepEqual([made.status, made.json.pair], [201, 'acme'], made.text)
    const again = await operator.call('POST', '/tenants', { body: { ...other, id: 'more', pair: 'other' } })
    assertProblem(again, 400, 'invalid_body')
    const admin = await manager(server, ['tenant_admin'], tenantPlace('acme'))
    const hidden = await change(admin, '/tenants/acme', { pair: 'other' })
    const none = await change(admin, '/tenants/acme', { pair: 'nobody-has-this' })
    assertProblem(hidden, 400, 'invalid_body')
    assert.deepEqual(hidden.json.errors, none.json.errors)
    assertProblem(await change(operator, '/tenants/acme', { pair: 'umbrella' }), 400, 'invalid_body')
    assert.equal((await change(operator, '/tenants/acme', { pair: 'other' })).json.pair, 'other')
    assert.equal((await change(admin, '/tenants/acme', { name: 'Acme again' })).json.pair, 'other')
  })
})
