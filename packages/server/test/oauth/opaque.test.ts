/** Opaque tokens: random texts that the store knows by their digest, in partitions that are dropped whole. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { sql } from 'kysely'
import { StoreUnavailable } from '../../src/store/database.ts'
import { dropEndedPartitions, partitionOf, tableOf } from '../../src/store/opaque-tokens.ts'
import { forEachStore, startTestServer, startTwoServers, type TestServer } from '../harness.ts'
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

forEachStore((_engine, suite) => {
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
