/** RFC 7009 and the cut-offs: whatever ends a token ends it on every path, and nothing else with it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RevocationKind } from '@sallyport/protocol'
import { saveApp } from '../../src/store/apps.ts'
import { removeCredential } from '../../src/store/credentials.ts'
import { listRevocations, revoke, sweepRevocations } from '../../src/store/revocations.ts'
import { createTestServer, forEachStore, startTestServer, type TestServer } from '../harness.ts'
import { assertError, assertInvalidClient, assertUnavailable, freshAddress, grant } from './answers.ts'
import {
  assertActive,
  assertInactive,
  assertRevoked,
  introspect,
  resourceServer,
  revokeToken,
  tokenOf,
} from './ends.ts'
import { app, blueprint, generated, organization, tenant } from './sample.ts'

const twoSecrets = [...generated, { id: 'second', secret: 'generated' }]
const ours = [app('sync', { credentials: twoSecrets }), resourceServer]
const organizations = [organization('customer', ours), organization('rival', [app('other')])]
const text = blueprint(tenant('acme', [], { organizations }))

forEachStore((_engine, suite) => {
  test('RFC 7009 §2, trust F13, 111: a token that its client has revoked is dead from the answer on, and no other is', async (t) => {
    const server = await startTestServer(t, suite, text)
    const [token, another] = [await tokenOf(server), await tokenOf(server)]
    assertRevoked(await revokeToken(server, token))
    assertInactive(await introspect(server, token))
    assertActive(await introspect(server, another))
    assertRevoked(await revokeToken(server, token))
    assertRevoked(await revokeToken(server, 'unknown'))
  })

  test('trust F13, product 3: what one process has revoked is dead at another', async (t) => {
    const { open, clock } = await suite.prepare(t)
    const [first, second] = [await open(), await open()]
    const one = await createTestServer({ db: first, clock, blueprints: [text] })
    const other = await createTestServer({ db: second, clock, blueprints: [] })
    t.after(async () => {
      await one.server.close()
      await other.server.close()
    })
    const token = await tokenOf(one)
    const there = { basic: one.credential('acme', 'api') }
    const ask = () =>
      other.request({ method: 'POST', url: '/acme/oauth2/introspect', body: { token }, ...there })
    assertActive(await ask())
    assertRevoked(await revokeToken(one, token))
    await second.changes.catchUp()
    assertInactive(await ask())
  })

  test('product 4: a cut-off kills what was issued until then, on the second, and nothing later', async (t) => {
    const server = await startTestServer(t, suite, text)
    const early = await tokenOf(server)
    await server.advance(1)
    const [clientId] = server.credential('acme', 'sync')
    await server.db.write((tx) => revoke(tx, 'acme', { kind: 'app', subjectId: clientId }))
    assertInactive(await introspect(server, early))
    // In that very second nothing is handed out that would be dead already.
    const basic = server.credential('acme', 'sync')
    const refused = await server.token('acme', { basic, clientAddress: freshAddress() })
    assertUnavailable(refused)
    assert.equal(refused.headers['Retry-After'], '1')
    assertActive(await introspect(server, await tokenOf(server, 'other')))
    await server.advance(1)
    assertActive(await introspect(server, await tokenOf(server)))
  })

  test('trust F6: of two cut-offs, in all nine orders, the later one counts', async (t) => {
    const server = await startTestServer(t, suite, text)
    const [clientId] = server.credential('acme', 'sync')
    const issuedAt = server.clock()
    const token = await tokenOf(server)
    const offsets = [-1, 0, 1]
    for (const ofTenant of offsets) {
      for (const ofApp of offsets) {
        // Each pair on subjects of its own: what was cut off once stays so.
        await server.db.write(({ kysely }) =>
          kysely.deleteFrom('revocations').where('tenant_id', '=', 'acme').execute(),
        )
        const fresh = await createTestServer({ db: server.db, clock: server.clock, blueprints: [] })
        const cutOff = (kind: RevocationKind, subjectId: string, offset: number) =>
          server.db.write((tx) => revoke(tx, 'acme', { kind, subjectId, issuedUntil: issuedAt + offset }))
        await cutOff('tenant', 'acme', ofTenant)
        await cutOff('app', clientId, ofApp)
        const basic = server.credential('acme', 'api')
        const reply = await fresh.request({
          method: 'POST',
          url: '/acme/oauth2/introspect',
          body: { token },
          basic,
        })
        const isDead = Math.max(ofTenant, ofApp) >= 0
        assert.equal(reply.json.active, !isDead, `tenant ${ofTenant}, app ${ofApp}`)
      }
    }
  })

  test('product 4: a later cut-off is not taken back by an earlier one', async (t) => {
    const server = await startTestServer(t, suite, text)
    const token = await tokenOf(server)
    const cutOff = (issuedUntil: number) =>
      server.db.write((tx) => revoke(tx, 'acme', { kind: 'tenant', subjectId: 'acme', issuedUntil }))
    await cutOff(server.clock())
    await cutOff(server.clock() - 100)
    assertInactive(await introspect(server, token))
  })

  test('003 "revoked immediately", trust F14: an app that is gone, disabled, or without its secret takes its tokens along', async (t) => {
    const server = await startTestServer(t, suite, text)
    const [clientId] = server.credential('acme', 'sync')
    const [viaMain, viaSecond] = [await tokenOf(server), await tokenOf(server, 'sync', 'acme', 'second')]
    const elsewhere = await tokenOf(server, 'other')
    await server.advance(1)
    await server.db.write((tx) => removeCredential(tx, 'acme', clientId, 'main'))
    assertInactive(await introspect(server, viaMain))
    assertActive(await introspect(server, viaSecond))
    const settings = { scopes: { rest: ['read'] } }
    const row = { clientId, id: 'sync', organizationId: 'customer', name: 'Sync', settings }
    const disabledAt = server.clock()
    await server.db.write((tx) => saveApp(tx, 'acme', { ...row, disabledAt }))
    assertInactive(await introspect(server, viaSecond))
    await server.db.write((tx) => saveApp(tx, 'acme', { ...row, disabledAt: null }))
    // Enabled again, it starts anew, once everybody has heard of the end.
    await server.advance(6)
    assertInactive(await introspect(server, viaSecond))
    assertActive(await introspect(server, await tokenOf(server, 'sync', 'acme', 'second')))
    assertActive(await introspect(server, elsewhere))
  })

  test('trust 112: another client cannot revoke it, and hears so', async (t) => {
    const server = await startTestServer(t, suite, text)
    const token = await tokenOf(server)
    const basic = server.credential('acme', 'other')
    assertError(await revokeToken(server, token, { basic }), 'unauthorized_client')
    assertActive(await introspect(server, token))
    assertInvalidClient(await revokeToken(server, token, { basic: [basic[0], 'wrong'] }))
    assertActive(await introspect(server, token))
  })

  test('002-14, settled: a token that was revoked is not served again', async (t) => {
    const reusing = blueprint(tenant('acme', ours, { token_reuse: true }))
    const server = await startTestServer(t, suite, reusing)
    const token = await tokenOf(server)
    assert.equal(await tokenOf(server), token)
    assertRevoked(await revokeToken(server, token))
    assert.notEqual(await tokenOf(server), token)
  })

  test('RFC 7009 §2, 003-02: where tokens of one second are the same, none is handed out that was given back', async (t) => {
    const dialect = { token: { claims: { sub: '${client_id}', iat: '${iat}' } } }
    const server = await startTestServer(
      t,
      suite,
      blueprint(tenant('acme', [app('sync'), resourceServer], { dialect })),
    )
    const token = await tokenOf(server)
    assertRevoked(await revokeToken(server, token))
    const again = { basic: server.credential('acme', 'sync'), body: grant }
    assertUnavailable(await server.token('acme', again))
    await server.advance(1)
    assertActive(await introspect(server, await tokenOf(server)))
    assertInactive(await introspect(server, token))
  })

  test('product 4: revocations go when the longest token they could hit has ended, single ones with their token', async (t) => {
    const server = await startTestServer(t, suite, text)
    await revokeToken(server, await tokenOf(server))
    await server.db.write((tx) => revoke(tx, 'acme', { kind: 'app', subjectId: 'gone' }))
    const kinds = async () => (await listRevocations(server.db, 'acme')).map(({ kind }) => kind)
    const sweep = (now: number, cutOffsBefore: number | null) =>
      sweepRevocations(server.db, 'acme', { now, cutOffsBefore })
    const start = server.clock()
    assert.equal(await sweep(start + 600, start), 0)
    assert.equal(await sweep(start + 601, start), 1)
    assert.deepEqual(await kinds(), ['app'])
    assert.equal(await sweep(start + 1e9, null), 0)
    assert.equal(await sweep(start + 1e9, start + 1), 1)
    assert.deepEqual(await kinds(), [])
  })

  test('R1, issue 4: a JWT writes no row when it is issued', async (t) => {
    const server = await startTestServer(t, suite, text)
    // The first one makes its tenant's key.
    await tokenOf(server)
    const before = await rowCounts(server)
    for (let time = 0; time < 20; time += 1) await tokenOf(server)
    assert.deepEqual(await rowCounts(server), before)
  })
})

const tables = [
  'changes',
  'revocations',
  'used_once',
  'throttle_counters',
  'dialect_uses',
  'notices',
  'credentials',
  'signing_keys',
] as const

async function rowCounts({ db }: TestServer): Promise<Record<string, number>> {
  const counts = tables.map(async (table) => [
    table,
    (await db.kysely.selectFrom(table).selectAll().execute()).length,
  ])
  return Object.fromEntries(await Promise.all(counts))
}
