// trust 161, R3: what is asked again with the same key is done once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sweepIdempotencyKeys } from '../../src/store/idempotency-keys.ts'
import { forEachStore } from '../harness.ts'
import { assertProblem, manager, startManaged } from './managed.ts'
import { customerApps } from './people.ts'

const keyed = (key: string) => ({ 'idempotency-key': key })

forEachStore((_engine, suite) => {
  test('trust 161: the same request with the same key gets the same answer and does nothing; another body is 422', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const body = { id: 'once', name: 'Once' }
    const first = await operator.call('POST', customerApps, { body, headers: keyed('k1') })
    assert.equal(first.status, 201, first.text)
    const again = await operator.call('POST', customerApps, { body, headers: keyed('k1') })
    assert.equal(again.status, 201, again.text)
    assert.equal(again.text, first.text)
    assert.equal(again.headers['Idempotency-Replayed'], 'true')
    for (const name of ['Location', 'ETag']) {
      assert.ok(first.headers[name])
      assert.equal(again.headers[name], first.headers[name])
    }
    const other = await operator.call('POST', customerApps, {
      body: { id: 'two', name: 'Two' },
      headers: keyed('k1'),
    })
    assertProblem(other, 422, 'idempotency_key_reused')
    const stranger = await manager(server)
    const theirs = await stranger.call('POST', customerApps, { body, headers: keyed('k1') })
    assertProblem(theirs, 409, 'conflict')
    const records = await operator.call('GET', '/tenants/acme/audit-records')
    const done = records.json.items.filter(
      (one: { action: string; outcome: string }) => one.action === 'createApp' && one.outcome === 'done',
    )
    assert.equal(done.length, 1)
  })

  test('R3: of 50 parallel requests with one key exactly one makes something, and all get its answer', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const body = { id: 'raced', name: 'Raced' }
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => operator.call('POST', customerApps, { body, headers: keyed('race') })),
    )
    assert.deepEqual([...new Set(answers.map(({ status, text }) => `${status} ${text}`))].length, 1)
    assert.equal(answers[0]?.status, 201)
    assert.equal(answers.filter(({ headers }) => headers['Idempotency-Replayed'] === undefined).length, 1)
  })

  test('a secret is shown once: who asks again with its key is told so, and no second one is made', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const made = await operator.call('POST', customerApps, { body: { id: 'app', name: 'App' } })
    const path = `/tenants/acme/apps/${made.json.client_id}/credentials`
    const body = { secret: 'generated' }
    const first = await operator.call('POST', path, { body, headers: keyed('s1') })
    assert.equal(first.status, 201)
    assertProblem(await operator.call('POST', path, { body, headers: keyed('s1') }), 409, 'secret_shown_once')
    assert.equal((await operator.call('GET', path)).json.items.length, 1)
    const rows = await server.db.kysely.selectFrom('idempotency_keys').selectAll().execute()
    assert.ok(!JSON.stringify(rows).includes('sp_test_'))
  })

  test('a refused request keeps no key: mended, it is done under the same one', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const bad = await operator.call('POST', customerApps, { body: { id: 'X' }, headers: keyed('m1') })
    assertProblem(bad, 400, 'invalid_body')
    const good = await operator.call('POST', customerApps, {
      body: { id: 'x', name: 'X' },
      headers: keyed('m1'),
    })
    assert.equal(good.status, 201, good.text)
  })

  test('trust 161: what was removed is answered 204 again under the same key, and 404 without', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const made = await operator.call('POST', customerApps, { body: { id: 'gone', name: 'Gone' } })
    const path = `/tenants/acme/apps/${made.json.client_id}`
    const first = await operator.call('DELETE', path, { headers: keyed('x1') })
    const again = await operator.call('DELETE', path, { headers: keyed('x1') })
    assert.deepEqual([first.status, again.status], [204, 204], again.text)
    assertProblem(await operator.call('DELETE', path), 404, 'not_found')
    const other = await operator.call('DELETE', '/tenants/acme', { headers: keyed('x1') })
    assertProblem(other, 422, 'idempotency_key_reused')
  })

  test('a key is over after a day', async (t) => {
    const server = await startManaged(t, suite)
    const body = { id: 'daily', name: 'Daily' }
    const operator = await manager(server)
    const first = await operator.call('POST', customerApps, { body, headers: keyed('d1') })
    await operator.call('DELETE', `/tenants/acme/apps/${first.json.client_id}`)
    await server.advance(86_402)
    const later = await manager(server)
    const again = await later.call('POST', customerApps, { body, headers: keyed('d1') })
    assert.equal(again.status, 201, again.text)
    assert.notEqual(again.json.client_id, first.json.client_id)
  })

  test('trust R12: keys whose day is over are swept, and the others stay', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    await operator.call('POST', customerApps, { body: { id: 'a', name: 'A' }, headers: keyed('old') })
    await server.advance(86_402)
    const later = await manager(server)
    await later.call('POST', customerApps, { body: { id: 'b', name: 'B' }, headers: keyed('new') })
    assert.equal(await sweepIdempotencyKeys(server.db, server.clock()), 1)
    const rows = await server.db.kysely.selectFrom('idempotency_keys').select('status').execute()
    assert.equal(rows.length, 1)
  })
})
