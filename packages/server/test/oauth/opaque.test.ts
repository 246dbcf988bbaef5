/** Opaque tokens: random texts that the store knows by their digest, in partitions that are dropped whole. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { sql } from 'kysely'
import { type Database, type OpaqueTokenRow, StoreUnavailable } from '../../src/store/database.ts'
import { dropEndedPartitions, findOpaqueToken, partitionOf, tableOf } from '../../src/store/opaque-tokens.ts'
import { sweepRevocations } from '../../src/store/revocations.ts'
import { removeTenant } from '../../src/store/tenants.ts'
import {
  createTestServer,
  forEachStore,
  startTestServer,
  startTwoServers,
  type TestServer,
} from '../harness.ts'
import { assertUnavailable, freshAddress } from './answers.ts'
import {
  assertActive,
  assertInactive,
  assertRevoked,
  introspect,
  resourceServer,
  revokeToken,
  tokenOf,
} from './ends.ts'
import { app, blueprint, restApi, tenant } from './sample.ts'

const opaque = { ...restApi, token_format: 'opaque' }
const apps = [app('sync'), app('reusing', { token_reuse: true }), resourceServer]
const bare = { dialect: { token: { claims: { sub: '${client_id}', iat: '${iat}' } } } }
const text = blueprint(
  tenant('acme', apps, { apis: [opaque] }),
  tenant('bare', apps, { apis: [opaque], ...bare }),
)

const partitions = async ({ db }: TestServer) =>
  (await db.kysely.selectFrom('opaque_token_partitions').selectAll().orderBy('id').execute()).map(
    ({ id }) => id,
  )

async function tableExists({ db }: TestServer, id: string): Promise<boolean> {
  try {
    await sql`select 1 from ${sql.table(tableOf(id))} limit 1`.execute(db.kysely)
    return true
  } catch {
    return false
  }
}

const keptToken = { tenantId: 'acme', apiId: 'rest', kind: 'access', family: null, claims: '{}' } as const

/** More than two bites, in a partition that has ended for long enough. */
async function keepEnded(db: Database, now: number): Promise<string> {
  const partition = partitionOf(now - 8000, now - 7400)
  const rows = Array.from({ length: 1200 }, (_, index): OpaqueTokenRow => {
    return { ...keptToken, partition, digest: `digest ${index}` }
  })
  for (let first = 0; first < rows.length; first += 500)
    await db.insertOpaqueTokens(rows.slice(first, first + 500))
  return partition.id
}

async function tokensIn({ kysely }: Database, id: string): Promise<number> {
  const { rows } = await sql`select digest from ${sql.table(tableOf(id))}`.execute(kysely)
  return rows.length
}

/** The same database, where something is done before each transaction. */
const beforeEachWrite = (db: Database, act: () => Promise<unknown>): Database => ({
  ...db,
  async write(work, by) {
    await act()
    return db.write(work, by)
  },
})

forEachStore((engine, suite) => {
  test('issue 4, RFC 7662 §2.2: an opaque token says nothing, and introspection says what a JWT would', async (t) => {
    const server = await startTestServer(t, suite, text)
    const token = await tokenOf(server)
    assert.match(token, /^sp_at_[0-9A-Za-z]{53}$/)
    const reply = await introspect(server, token)
    assertActive(reply)
    const [clientId] = server.credential('acme', 'sync')
    assert.deepEqual(Object.keys(reply.json), [
      ...['active', 'iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id', 'scope', 'org_id', 'cred'],
      'token_type',
    ])
    assert.equal(reply.json.client_id, clientId)
    assert.equal(reply.json.scope, 'read write')
    assert.equal(reply.json.exp, server.clock() + 600)
    await server.advance(600)
    assertInactive(await introspect(server, token))
  })

  test('product 5, R23: the store holds its digest and not the token', async (t) => {
    const server = await startTestServer(t, suite, text)
    const token = await tokenOf(server)
    const [id = ''] = await partitions(server)
    const { rows } = await sql<{ digest: string }>`select * from ${sql.table(tableOf(id))}`.execute(
      server.db.kysely,
    )
    assert.equal(rows[0]?.digest, createHash('sha256').update(token).digest('base64url'))
    assert.ok(!JSON.stringify(rows).includes(token.slice(10, 50)))
  })

  test('trust 17, 20: cut, altered, or at another tenant it is no token', async (t) => {
    const server = await startTestServer(t, suite, text)
    const token = await tokenOf(server)
    const elsewhere = token.replace(/^sp_at_..../, 'sp_at_0000')
    for (const altered of [
      token.slice(0, -1),
      `${token}A`,
      token.toUpperCase(),
      elsewhere,
      token.replace('at', 'rt'),
    ])
      assertInactive(await introspect(server, altered))
    assertInactive(await introspect(server, token, {}, 'bare'))
    assertActive(await introspect(server, token))
  })

  test('RFC 7009 §2, trust 13: revoked it is dead, and reuse gives another', async (t) => {
    const server = await startTestServer(t, suite, text)
    const basic = server.credential('acme', 'reusing')
    const token = await tokenOf(server, 'reusing')
    assert.equal(await tokenOf(server, 'reusing'), token)
    assertRevoked(await revokeToken(server, token, { basic }))
    assertInactive(await introspect(server, token))
    assert.notEqual(await tokenOf(server, 'reusing'), token)
  })

  test('issue 4: partitions are by the hour, are dropped when their last token has ended, and never before', async (t) => {
    const server = await startTestServer(t, suite, text)
    const token = await tokenOf(server)
    const endless = await tokenOf(server, 'sync', 'bare')
    const { id, endsAt } = partitionOf(server.clock(), server.clock() + 600)
    assert.deepEqual(await partitions(server), [id, 'zzzz'])
    assert.deepEqual(await dropEndedPartitions(server.db, server.clock() + 600), [])
    assertActive(await introspect(server, token))
    await server.advance((endsAt ?? 0) - server.clock() + 601)
    assert.deepEqual(await dropEndedPartitions(server.db, server.clock()), [id])
    assert.equal(await tableExists(server, id), false)
    assert.deepEqual(await partitions(server), ['zzzz'])
    assertInactive(await introspect(server, token))
    // RFC 7519 §4.1.4 is left out by this dialect, in either format.
    await server.advance(100_000_000)
    assertActive(await introspect(server, endless, {}, 'bare'))
    assertActive(await introspect(server, await tokenOf(server)))
  })

  test('issue 4: SQLite drops a partition that it has emptied in bites, so that others can write; PostgreSQL at once', async (t) => {
    const { db, clock } = await suite.open(t)
    const id = await keepEnded(db, clock())
    const found: number[] = []
    const watched = beforeEachWrite(db, async () => found.push(await tokensIn(db, id)))
    assert.deepEqual(await dropEndedPartitions(watched, clock()), [id])
    assert.deepEqual(found, engine === 'sqlite' ? [1200, 700, 200, 0] : [1200])
    await assert.rejects(tokensIn(db, id))
  })

  if (engine === 'sqlite')
    test('issue 4: a server that stops leaves a partition half empty, and the next one goes on', async (t) => {
      const { db, clock } = await suite.open(t)
      const id = await keepEnded(db, clock())
      const stopping = new AbortController()
      const stopped = beforeEachWrite(db, async () => stopping.abort())
      assert.deepEqual(await dropEndedPartitions(stopped, clock(), stopping.signal), [])
      assert.equal(await tokensIn(db, id), 700)
      assert.deepEqual(await dropEndedPartitions(db, clock()), [id])
      await assert.rejects(tokensIn(db, id))
    })

  test('issue 4: a partition that another process drops meanwhile is gone, and no error', async (t) => {
    const { db, clock, openAgain } = await suite.open(t)
    const other = await openAgain()
    const lastWrite = engine === 'sqlite' ? 4 : 1
    for (let until = 1; until <= lastWrite; until += 1) {
      const id = await keepEnded(db, clock())
      let writes = 0
      const overtaken = beforeEachWrite(db, async () => {
        writes += 1
        if (writes === until) await dropEndedPartitions(other, clock())
      })
      assert.deepEqual(await dropEndedPartitions(overtaken, clock()), [id])
      await assert.rejects(tokensIn(db, id))
      // Its number is of a table that is gone: PostgreSQL remembers which ones it has made.
      clock.advance(3600)
    }
    await keepEnded(db, clock())
    await Promise.all([db, other].map((one) => dropEndedPartitions(one, clock())))
    assert.deepEqual(await db.kysely.selectFrom('opaque_token_partitions').select('id').execute(), [])
  })

  test('issue 4: of a partition that another process has dropped nothing is remembered', async (t) => {
    const { db, clock } = await suite.open(t)
    const start = clock() - 8000
    const id = await keepEnded(db, clock())
    assert.equal((await findOpaqueToken(db, id, 'digest 7', start))?.tenantId, 'acme')
    await db.write(async ({ kysely }) => {
      await sql`drop table ${sql.table(tableOf(id))}`.execute(kysely)
      await kysely.deleteFrom('opaque_token_partitions').where('id', '=', id).execute()
    })
    assert.deepEqual(await dropEndedPartitions(db, clock()), [])
    // Of what is remembered, a clock that was set back would look into the table.
    assert.equal(await findOpaqueToken(db, id, 'digest 7', start), null)
  })

  test('issue 4: who writes remembers no partition that has ended, once there is another', async (t) => {
    const { db, clock } = await suite.open(t)
    const id = await keepEnded(db, clock())
    assert.deepEqual(await dropEndedPartitions(db, clock()), [id])
    await db.insertOpaqueTokens([
      { ...keptToken, partition: partitionOf(clock(), clock() + 600), digest: 'digest' },
    ])
    // Of what is remembered no table would be made again.
    assert.equal(await keepEnded(db, clock()), id)
    assert.equal(await tokensIn(db, id), 1200)
  })

  for (const [name, settings] of Object.entries({
    'lived for ten days': { maximum_access_token_seconds: 864_000, access_token_seconds: 864_000 },
    'had no end': bare,
  }))
    test(`trust 19: of a tenant whose tokens ${name} none comes back when its cut-off is forgotten`, async (t) => {
      const short = { apis: [opaque] }
      const again = [app('sync', { client_id: 'sync' }), resourceServer]
      const server = await startTestServer(t, suite, [
        blueprint(tenant('acme', again, { ...short, ...settings })),
      ])
      const token = await tokenOf(server)
      assertActive(await introspect(server, token))
      await server.db.write((tx) => removeTenant(tx, 'acme'))
      await server.apply(blueprint(tenant('acme', again, short)))
      // None of the new tenant's tokens lives longer than a day.
      await server.advance(259_200)
      const now = server.clock()
      await sweepRevocations(server.db, 'acme', { now, cutOffsBefore: now - 200_000 })
      const fresh = await createTestServer({ db: server.db, clock: server.clock, blueprints: [] })
      t.after(() => fresh.server.close())
      fresh.credential = server.credential
      assertInactive(await introspect(fresh, token))
      assertActive(await introspect(fresh, await tokenOf(fresh)))
    })

  test('issue 4: a process that has made no partition finds the tokens of one that has', async (t) => {
    const [one, elsewhere] = await startTwoServers(t, suite, text)
    const tokens = await Promise.all(Array.from({ length: 50 }, () => tokenOf(one)))
    assert.equal(new Set(tokens).size, 50)
    for (const token of tokens) assertActive(await introspect(elsewhere, token))
    assertActive(await introspect(one, await tokenOf(elsewhere)))
  })

  test('product 8, trust R4: what cannot be kept is not issued, and what cannot be asked is not answered', async (t) => {
    let isGone = false
    const unavailable = () => Promise.reject(new StoreUnavailable('gone'))
    const server = await startTestServer(
      t,
      suite,
      text,
      {},
      {
        db: (db) =>
          new Proxy(db, {
            get(target, name) {
              if (isGone && (name === 'insertOpaqueTokens' || name === 'read')) return unavailable
              const value = Reflect.get(target, name)
              return typeof value === 'function' ? value.bind(target) : value
            },
          }),
      },
    )
    const token = await tokenOf(server)
    const other = await tokenOf(server)
    assertActive(await introspect(server, other))
    isGone = true
    const basic = server.credential('acme', 'sync')
    assertUnavailable(await server.token('acme', { basic, clientAddress: freshAddress() }))
    assertUnavailable(await introspect(server, token))
  })
})
