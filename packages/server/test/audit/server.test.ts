// What the server does with its audit chain: it logs its head, hands it on, and refuses what it cannot record.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import type { AuditSink } from '../../src/audit/follow.ts'
import { readChain } from '../../src/audit/read-chain.ts'
import { verifyChain } from '../../src/audit/verify.ts'
import { createLog } from '../../src/http/log.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import { chainStart, readHead } from '../../src/store/audit-records.ts'
import type { Database } from '../../src/store/database.ts'
import { auditChores } from '../../src/wiring/audit-chores.ts'
import { createTestEffects, forEachStore, oneStore } from '../harness.ts'
import { assertProblem, manager, startManaged } from '../management/managed.ts'
import { writeRecords } from './chain.ts'

test('trust R16: the head of the chain is a line of the log every hour, and a sink that is down shows', async (t) => {
  const { db, clock } = await oneStore.open(t)
  await writeRecords(db, 3)
  const lines: string[] = []
  const log = createLog({
    clock: () => clock() * 1000,
    destination: { write: (line) => void lines.push(line) },
  })
  const effects = createTestEffects(clock)
  const metrics = createMetrics({ withProcess: false })
  const state = { isDown: true }
  const sink: AuditSink = {
    name: 'webhook',
    async send() {
      if (state.isDown) throw new Error('it answers 500')
    },
  }
  // Of what a server is made of, its chores look at these.
  const options = { store: { db }, effects, log, auditSinks: [sink] } as unknown as Parameters<
    typeof auditChores
  >[0]
  const { chores, close } = auditChores(options, metrics)
  assert.deepEqual(
    chores.map(({ everyMilliseconds }) => everyMilliseconds),
    [3_600_000, 1_000],
  )
  const waiting = async () =>
    /^sallyport_audit_records_waiting\{sink="webhook"\} (\d+)$/m.exec((await metrics.render()).body)?.[1]
  const { number, hash } = await readHead(db)
  for (const { work } of chores) await work()
  assert.equal(await waiting(), String(number))
  state.isDown = false
  clock.advance(2)
  for (const { work } of chores) await work()
  assert.equal(await waiting(), '0')
  close()
  const facts = lines.map((line) => JSON.parse(line)).map(({ level, time: _, ...rest }) => [level, rest])
  const head = { number, hash: Buffer.from(hash).toString('hex'), msg: 'audit head' }
  assert.deepEqual(facts, [
    ['info', head],
    ['warn', { sink: 'webhook', reason: 'it answers 500', msg: 'audit sink does not answer' }],
    ['info', head],
    ['info', { sink: 'webhook', msg: 'audit sink is back' }],
  ])
})

/** No record fits in any more, really or as far as the database says. */
const fill = {
  sqlite: (db: Database) => db.write((tx) => sql`pragma max_page_count = 1`.execute(tx.kysely)),
  postgres: (db: Database) =>
    db.write(async ({ kysely }) => {
      await sql`create function no_space() returns trigger language plpgsql as
        'begin raise exception using errcode = ''53100''; end'`.execute(kysely)
      await sql`create trigger full_disk before insert on audit_records execute function no_space()`.execute(
        kysely,
      )
    }),
}

forEachStore((engine, suite) => {
  test('trust R16: with no room for its record a call of the management API is 503 and changes nothing', async (t) => {
    const server = await startManaged(t, suite)
    const operator = await manager(server)
    await fill[engine](server.db)
    const create = (id: string) =>
      operator.call('POST', '/tenants/acme/organizations/customer/apps', {
        body: { id, name: id.repeat(10) },
      })
    let made = 0
    let answer = await create('app-0')
    // An empty page may be left.
    while (answer.status === 201 && made < 100) {
      made += 1
      answer = await create(`app-${made}`)
    }
    assertProblem(answer, 503, 'unavailable')
    assert.ok(answer.headers['Retry-After'])
    const { json } = await operator.call('GET', '/tenants/acme/apps?limit=100')
    const ids = json.items.map(({ id }: { readonly id: string }) => id)
    assert.deepEqual([ids.includes(`app-${made}`), ids.length], [false, made + 2])
    const { fault } = await verifyChain(readChain(server.db), { after: { number: 0, hash: chainStart } })
    assert.equal(fault, null)
  })
})
