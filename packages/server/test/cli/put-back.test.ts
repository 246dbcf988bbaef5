/** R9: a database that was put back, on both engines: what was revoked after the backup stays dead, the chain is whole, followers begin anew. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { followChain } from '../../src/audit/follow.ts'
import { headText } from '../../src/audit/head-text.ts'
import { readChain } from '../../src/audit/read-chain.ts'
import { verifyChain } from '../../src/audit/verify.ts'
import { finishRestore } from '../../src/cli/after-restore.ts'
import { revokeAndRecord } from '../../src/revocation/recorded.ts'
import { removeApp } from '../../src/store/apps.ts'
import { type AuditRecord, chainStart, listAuditRecords, readHead } from '../../src/store/audit-records.ts'
import { forEachStore, startTestServer, type TestServer } from '../harness.ts'
import {
  assertActive,
  assertInactive,
  introspect,
  resourceServer,
  revokeToken,
  tokenOf,
} from '../oauth/ends.ts'
import { app, blueprint, restApi, tenant } from '../oauth/sample.ts'

const apps = [app('sync'), app('other'), resourceServer]
const opaque = { apis: [{ ...restApi, token_format: 'opaque' }] }
const text = blueprint(tenant('acme', apps), tenant('opaque', apps, opaque))
const by = 'command restore (ada)'

/** As if a backup of now had been put back: what was revoked after it is not in it. */
async function goBack(server: TestServer, revocations: readonly object[]): Promise<void> {
  await server.db.write(async ({ kysely }) => {
    await kysely.deleteFrom('revocations').execute()
    for (const row of revocations)
      await kysely
        .insertInto('revocations')
        .values(row as never)
        .execute()
  })
}

forEachStore((_engine, suite) => {
  const start = (t: TestContext) => startTestServer(t, suite, text)

  for (const tenantId of ['acme', 'opaque'])
    test(`R9: ${tenantId}: a token that was revoked after the backup stays dead, and so does every other of that time; new ones are good`, async (t) => {
      const server = await start(t)
      const [revoked, other] = [
        await tokenOf(server, 'sync', tenantId),
        await tokenOf(server, 'other', tenantId),
      ]
      const kept = await server.db.kysely.selectFrom('revocations').selectAll().execute()
      await revokeToken(server, revoked, {}, tenantId)
      await goBack(server, kept)
      const { issuedUntil } = await finishRestore(server.db, { keepTokens: false, knowsUses: true, by })
      assert.ok(issuedUntil !== null && issuedUntil >= server.clock())
      for (const token of [revoked, other]) assertInactive(await introspect(server, token, {}, tenantId))
      await server.advance(issuedUntil + 1 - server.clock())
      assertActive(await introspect(server, await tokenOf(server, 'sync', tenantId), {}, tenantId))
    })

  test('R9: with --keep-tokens the tokens live, and followers begin anew all the same', async (t) => {
    const server = await start(t)
    const token = await tokenOf(server)
    const seen = server.db.changes.lastSeq
    const { issuedUntil } = await finishRestore(server.db, { keepTokens: true, knowsUses: true, by })
    assert.equal(issuedUntil, null)
    assertActive(await introspect(server, token))
    await server.db.changes.catchUp()
    assert.ok(server.db.changes.lastSeq > seen + 1)
  })

  test('R15: an API that asks for the revocations after any change it has seen is told to begin anew', async (t) => {
    const server = await start(t)
    const seen = server.db.changes.lastSeq
    await finishRestore(server.db, { keepTokens: false, knowsUses: true, by })
    for (const after of [seen, seen + 5]) {
      const reply = await server.request({
        url: `/acme/oauth2/revocations?after=${after}`,
        basic: server.credential('acme', 'api'),
        headers: { accept: 'text/event-stream' },
      })
      const said: string[] = []
      await new Promise<void>((resolve) => {
        reply.follow?.({ write: (piece) => void said.push(piece), end: resolve })
      })
      assert.deepEqual(said, ['event: reset\ndata: {}\n\n'])
    }
    const snapshot = await server.request({
      url: '/acme/oauth2/revocations',
      basic: server.credential('acme', 'api'),
    })
    assert.deepEqual(
      snapshot.json.revocations.map(({ kind }: { kind: string }) => kind),
      ['tenant'],
    )
  })

  test('trust R16: the restore is a record of the chain, says where the backup ended, and the chain is whole', async (t) => {
    const { db } = await suite.open(t)
    const head = await readHead(db)
    await finishRestore(db, { keepTokens: false, knowsUses: true, by })
    const records = await listAuditRecords(db, { after: head.number, limit: 10 })
    assert.deepEqual(
      records.map(({ tenantId, actor, action, target }) => [tenantId, actor, action, target]),
      [
        [null, by, 'restoreDatabase', 'database'],
        ['neighbour', by, 'revokeTokensOfTenant', 'tenant neighbour'],
      ],
    )
    const after = JSON.parse(records[0]?.after ?? '')
    assert.equal(after.audit_head, headText(head))
    const begin = { number: 0, hash: chainStart }
    const verdict = await verifyChain(readChain(db, { after: 0 }), { after: begin, heads: [head] })
    assert.equal(verdict.fault, null)
  })

  test('R9: a restore that is done again, as its answer was lost, names the end of the backup, as long as nothing was done since', async (t) => {
    const { db, clock } = await suite.open(t)
    const again = () => finishRestore(db, { keepTokens: false, knowsUses: true, by })
    const first = await again()
    clock.advance(60)
    for (const { head, until } of [await again(), await again()])
      assert.deepEqual([headText(head), until], [headText(first.head), first.until])
    const cutOff = { kind: 'tenant', subjectId: 'neighbour', issuedUntil: clock() } as const
    clock.advance(60)
    await db.write(async (tx) => {
      await revokeAndRecord(tx, 'neighbour', cutOff, { actor: by, action: 'revokeTokensOfTenant' })
    })
    const head = await readHead(db)
    assert.equal(headText((await again()).head), headText(head))
  })

  test('R9: a sink gets the records of the new life; those of the one that is gone it knows by number and hash', async (t) => {
    const { db, clock } = await suite.open(t)
    const got: AuditRecord[] = []
    const sink = {
      name: 'collector',
      send: async (records: readonly AuditRecord[]) => void got.push(...records),
    }
    const nothing = () => {}
    const events = { onWaiting: nothing, onFailure: assert.fail, onRecovery: nothing, onCut: nothing }
    const follower = followChain({ db, sink, clock, leader: 'one', ...events })
    await follower.work()
    const places = await db.kysely.selectFrom('audit_sinks').selectAll().execute()
    const head = await readHead(db)
    await db.write((tx) => removeApp(tx, 'neighbour', 'client-1'))
    await follower.work()
    const lost = got.at(-1)
    assert.ok(lost && lost.number > head.number)
    await db.write(async ({ kysely }) => {
      await kysely.deleteFrom('audit_records').where('number', '>', head.number).execute()
      await kysely.deleteFrom('audit_sinks').execute()
      await kysely.insertInto('audit_sinks').values(places).execute()
    })
    await finishRestore(db, { keepTokens: false, knowsUses: true, by })
    await follower.work()
    const again = got.filter(({ number }) => number === lost.number)
    assert.equal(again.length, 2)
    assert.notDeepEqual(again[0]?.hash, again[1]?.hash)
    assert.equal(got.at(-1)?.number, (await readHead(db)).number)
  })
})
