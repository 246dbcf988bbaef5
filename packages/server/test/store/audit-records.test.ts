/** The audit chain in the store: with its change or not at all, in one order whoever writes, and a place for each sink. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { readChain } from '../../src/audit/read-chain.ts'
import { verifyChain } from '../../src/audit/verify.ts'
import {
  type AuditRecord,
  chainStart,
  listAuditRecords,
  readHead,
  readHeadAt,
} from '../../src/store/audit-records.ts'
import { claimSink, countWaiting, moveSink, releaseSink } from '../../src/store/audit-sinks.ts'
import { type Database, StoreUnavailable } from '../../src/store/database.ts'
import { revoke } from '../../src/store/revocations.ts'
import { insertSigningKey, moveSigningKey } from '../../src/store/signing-keys.ts'
import { listTenantIds, saveTenant } from '../../src/store/tenants.ts'
import { forEachStore, saveSampleTenant } from './each-store.ts'

const tenant = { name: 'T', environment: 'test', settings: {} } as const

async function assertWhole(db: Database): Promise<void> {
  const { fault } = await verifyChain(readChain(db), { after: { number: 0, hash: chainStart } })
  assert.equal(fault, null)
}

const newest = async (db: Database, count: number): Promise<string[]> => {
  const records = await listAuditRecords(db, { limit: count, newestFirst: true })
  return records.map(({ tenantId, actor, action, target }) => `${tenantId}: ${actor}: ${action} ${target}`)
}

const signingKey = {
  ...{ kid: 'k', algorithm: 'ES256', apiId: null, state: 'next' as const },
  ...{ publicJwk: null, sealed: Buffer.from('sealed') },
} as const

forEachStore((engine, store) => {
  test('settled Audit: configuration, credentials, signing keys and revocations are recorded with who did it', async (t) => {
    const { db } = await store.open(t)
    const { number } = await readHead(db)
    await saveSampleTenant(db, 'a')
    assert.deepEqual((await newest(db, 3)).toReversed(), [
      'a: server: change tenant tenant a',
      'a: server: change organization organization acme',
      'a: server: change app app client-1',
    ])
    assert.equal((await readHead(db)).number, number + 3)
    await db.write((tx) => insertSigningKey(tx, 'a', signingKey), 'command keys (ada)')
    await db.write((tx) => moveSigningKey(tx, 'a', 'k', 'next', 'active'), 'command keys (ada)')
    await db.write((tx) => revoke(tx, 'a', { kind: 'app', subjectId: 'client-1' }), 'command revoke (ada)')
    assert.deepEqual(await newest(db, 3), [
      'a: command revoke (ada): revoke app client-1',
      'a: command keys (ada): change tenant tenant a',
      'a: command keys (ada): change tenant tenant a',
    ])
    await assertWhole(db)
  })

  test('settled Audit: what a transaction says of itself stands for its single changes, also where nothing changed', async (t) => {
    const { db } = await store.open(t)
    const { number } = await readHead(db)
    const said = { tenantId: 'neighbour', actor: 'app x', action: 'renameTenant', target: 'tenant neighbour' }
    await db.write(async (tx) => {
      await saveTenant(tx, 'neighbour', { ...tenant, name: 'Renamed' })
      tx.audit({ ...said, requestId: 'r-1', before: '{"name":"Before"}', after: 'null' })
    })
    await db.write(async (tx) => tx.audit({ ...said, outcome: 'refused', reason: 'half \ud800 a pair' }))
    const [refused, done] = await listAuditRecords(db, { limit: 2, newestFirst: true })
    assert.deepEqual(
      [done?.number, done?.requestId, done?.before, done?.after, done?.outcome],
      [number + 1, 'r-1', '{"name":"Before"}', null, 'done'],
    )
    assert.deepEqual([refused?.outcome, refused?.reason], ['refused', 'half \ufffd a pair'])
    await assertWhole(db)
  })

  test('trust R16: what cannot be recorded is not done', async (t) => {
    const { db } = await store.open(t)
    await db.write((tx) => sql`alter table audit_records rename to elsewhere`.execute(tx.kysely))
    const { lastSeq } = db.changes
    await assert.rejects(db.write((tx) => saveTenant(tx, 'b', tenant)))
    await assert.rejects(db.write((tx) => revoke(tx, 'neighbour', { kind: 'app', subjectId: 'client-1' })))
    await db.changes.catchUp()
    assert.equal(db.changes.lastSeq, lastSeq)
    assert.deepEqual(await listTenantIds(db), ['neighbour'])
    assert.deepEqual(await db.kysely.selectFrom('revocations').selectAll().execute(), [])
    await db.write((tx) => sql`alter table elsewhere rename to audit_records`.execute(tx.kysely))
    await db.write((tx) => saveTenant(tx, 'b', tenant))
    await assertWhole(db)
  })

  test('trust R16: writers on several nodes make one chain, and no number is given twice', async (t) => {
    const { db, openAgain } = await store.open(t)
    const other = await openAgain()
    const { number } = await readHead(db)
    const write = (one: number) =>
      (one % 2 === 0 ? db : other).write((tx) => saveTenant(tx, `t-${one}`, tenant))
    await Promise.all(Array.from({ length: 40 }, (_, one) => write(one)))
    assert.equal((await readHead(db)).number, number + 40)
    await assertWhole(db)
  })

  test('trust R16: a transaction that is rolled back leaves no record and no gap', async (t) => {
    const { db } = await store.open(t)
    const head = await readHead(db)
    const work = db.write(async (tx) => {
      await saveTenant(tx, 'b', tenant)
      throw new Error('no')
    })
    await assert.rejects(work, /^Error: no$/)
    assert.deepEqual(await readHead(db), head)
    await saveSampleTenant(db, 'a')
    await assertWhole(db)
  })

  test('issue Audit: records are listed by tenant, from either end, in pages', async (t) => {
    const { db } = await store.open(t)
    await db.write(async (tx) => {
      for (let one = 1; one <= 9; one += 1)
        tx.audit({ tenantId: one % 2 ? 'a' : null, actor: 'x', action: 'y', target: `${one}` })
    })
    const { number: last } = await readHead(db)
    const targets = (records: readonly AuditRecord[]) => records.map(({ target }) => target)
    assert.deepEqual(targets(await listAuditRecords(db, { tenantId: 'a', limit: 2 })), ['1', '3'])
    const older = { tenantId: 'a', limit: 2, newestFirst: true, after: last }
    assert.deepEqual(targets(await listAuditRecords(db, older)), ['7', '5'])
    assert.deepEqual(targets(await listAuditRecords(db, { limit: 2, after: last - 2 })), ['8', '9'])
    assert.equal(await readHeadAt(db, last + 1), null)
    assert.deepEqual(await readHeadAt(db, last), await readHead(db))
  })

  test('issue Audit: one process at a time hands on to a sink, from where the last one stood', async (t) => {
    const { db, clock } = await store.open(t)
    const { number } = await readHead(db)
    const claim = (leader: string) => ({ sink: 'syslog', leader, until: clock() + 30 })
    const take = (leader: string) => db.write((tx) => claimSink(tx, claim(leader)))
    assert.equal(await countWaiting(db, 'syslog'), number)
    const start = await take('one')
    assert.equal(start?.number, 0)
    assert.equal(await take('two'), null)
    assert.deepEqual((await take('one'))?.number, 0)
    const second = await readHeadAt(db, 2)
    assert.ok(start && second)
    const move = (leader: string) => db.write((tx) => moveSink(tx, claim(leader), start, second))
    assert.deepEqual([await move('two'), await move('one'), await move('one')], [false, true, false])
    assert.equal(await countWaiting(db, 'syslog'), number - 2)
    clock.advance(30)
    assert.deepEqual((await take('two'))?.number, 2)
    assert.equal(await take('one'), null)
    await db.write((tx) => releaseSink(tx, 'syslog', 'two'))
    assert.deepEqual((await take('one'))?.number, 2)
    assert.equal((await db.write((tx) => claimSink(tx, { ...claim('two'), sink: 'webhook' })))?.number, 0)
  })

  if (engine === 'sqlite')
    test('trust R16: on a full disk nothing is done and nothing recorded, and the chain goes on afterwards', async (t) => {
      const { db } = await store.open(t)
      const pragma = (text: string) => db.write((tx) => sql.raw(`pragma ${text}`).execute(tx.kysely))
      await pragma('max_page_count = 1')
      const head = await readHead(db)
      const long = (id: string) => ({ ...tenant, name: id.repeat(20_000) })
      const write = db.write(async (tx) => {
        await saveTenant(tx, 'b', tenant)
        tx.audit({ tenantId: 'b', actor: 'x', action: 'y', target: 'z', after: JSON.stringify(long('b')) })
      })
      await assert.rejects(write, StoreUnavailable)
      assert.deepEqual(await listTenantIds(db), ['neighbour'])
      assert.deepEqual(await readHead(db), head)
      await pragma('max_page_count = 4294967294')
      await db.write((tx) => saveTenant(tx, 'b', tenant))
      await assertWhole(db)
    })
})
