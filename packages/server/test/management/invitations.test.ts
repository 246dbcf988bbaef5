// Issue 5, 1: invitations over the management API, on both databases.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { forEachStore } from '../harness.ts'
import { assertProblem, manager, startManaged } from './managed.ts'
import { acme, customer, made } from './people.ts'

forEachStore((_engine, suite) => {
  test('issue 5, 1: an invitation shows its token once; nothing but a digest of it is kept, and it can be taken back', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    const body = { email: 'Ada@Example.com', roles: ['organization_admin'] }
    const headers = { 'idempotency-key': 'once' }
    const created = made(await operator.call('POST', `${customer}/invitations`, { body, headers }))
    const { id, token, expires_at, email } = created.json
    assert.match(token, /^sp_invite_[0-9A-Za-z]{43}$/)
    assert.deepEqual([expires_at - server.clock(), email], [604_800, 'ada@example.com'])
    const row = await server.db.kysely.selectFrom('invitations').selectAll().executeTakeFirstOrThrow()
    assert.deepEqual(Buffer.from(row.digest), createHash('sha256').update(token).digest())
    const repeated = await operator.call('POST', `${customer}/invitations`, { body, headers })
    assertProblem(repeated, 409, 'secret_shown_once')
    assertProblem(await operator.call('POST', `${customer}/invitations`, { body }), 409, 'conflict')
    const texts = [
      await operator.call('GET', `${customer}/invitations/${id}`),
      await operator.call('GET', `${acme}/invitations`),
      await operator.call('GET', `${acme}/audit-records`),
    ].map(({ text }) => text)
    for (const text of [...texts, JSON.stringify(server.logLines)]) assert.ok(!text.includes(token))
    assert.match(texts[1] ?? '', new RegExp(id))
    assertProblem(
      await operator.call('GET', `${acme}/organizations/globex/invitations/${id}`),
      404,
      'not_found',
    )
    assert.deepEqual((await operator.call('GET', `${acme}/organizations/globex/invitations`)).json.items, [])
    assert.equal((await operator.call('DELETE', `${customer}/invitations/${id}`)).status, 204)
    made(
      await operator.call('POST', `${customer}/invitations`, { body: { ...body, expires_in_seconds: 60 } }),
    )
    await server.advance(60)
    made(await operator.call('POST', `${customer}/invitations`, { body }))
    const first = await operator.call('GET', `${customer}/invitations?limit=1`)
    const second = await operator.call(
      'GET',
      `${customer}/invitations?limit=1&cursor=${first.json.next_cursor}`,
    )
    assert.equal(second.json.items[0].created_at - first.json.items[0].created_at, 60)
    assert.equal(second.json.next_cursor, null)
  })
})
