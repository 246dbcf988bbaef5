/** A tenant that is removed and made again under its name is another one: no token of the first is one of its own. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { tableOf } from '../../src/store/opaque-tokens.ts'
import { listRevocations } from '../../src/store/revocations.ts'
import { removeTenant } from '../../src/store/tenants.ts'
import { createTestServer, forEachStore, startTestServer, type TestServer } from '../harness.ts'
import { assertActive, assertInactive, introspect, resourceServer, revokeToken, tokenOf } from './ends.ts'
import { app, blueprint, restApi, tenant } from './sample.ts'

const apps = [app('sync', { client_id: 'sync' }), resourceServer]
const opaque = { apis: [{ ...restApi, token_format: 'opaque' }] }
const text = blueprint(tenant('acme', apps, opaque))

async function keptTokens({ db }: TestServer): Promise<readonly string[]> {
  const partitions = await db.kysely.selectFrom('opaque_token_partitions').select('id').execute()
  const rows = await Promise.all(
    partitions.map(({ id }) =>
      sql<{ tenant_id: string }>`select tenant_id from ${sql.table(tableOf(id))}`.execute(db.kysely),
    ),
  )
  return rows.flatMap((one) => one.rows.map((row) => row.tenant_id))
}

forEachStore((_engine, suite) => {
  test('trust 19: a tenant made again brings none of its opaque tokens back, in no process', async (t) => {
    const server = await startTestServer(t, suite, [text, blueprint(tenant('other', apps, opaque))])
    const [token, revoked, theirs] = [
      await tokenOf(server),
      await tokenOf(server),
      await tokenOf(server, 'sync', 'other'),
    ]
    await revokeToken(server, revoked)
    assertActive(await introspect(server, token))
    const removedAt = server.clock()
    await server.db.write((tx) => removeTenant(tx, 'acme'))
    assert.deepEqual(await keptTokens(server), ['other'])
    const [left, more] = await listRevocations(server.db, 'acme')
    assert.equal(more, undefined)
    assert.deepEqual([left?.kind, left?.subjectId], ['tenant', 'acme'])
    // Whoever still had it in memory may have given out tokens in the meantime.
    assert.ok((left?.issuedUntil ?? 0) >= removedAt)
    await server.advance(10)
    await server.apply(text)
    const fresh = await createTestServer({ db: server.db, clock: server.clock, blueprints: [] })
    t.after(() => fresh.server.close())
    fresh.credential = server.credential
    for (const one of [server, fresh])
      for (const dead of [token, revoked]) assertInactive(await introspect(one, dead))
    assertActive(await introspect(server, await tokenOf(server)))
    assertActive(await introspect(server, theirs, {}, 'other'))
  })
})
