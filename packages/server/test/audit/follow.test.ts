// What a follower of the chain promises its sink: order, at least once, from where it stood, and nobody is held up.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type AuditSink, followChain, type SinkFollower } from '../../src/audit/follow.ts'
import { type AuditRecord, readHead } from '../../src/store/audit-records.ts'
import type { Database } from '../../src/store/database.ts'
import { forEachStore, type StoreSuite, type TestClock } from '../store/each-store.ts'
import { writeRecords } from './chain.ts'

interface Collector extends AuditSink {
  /** What it has got, by number. */
  readonly numbers: number[]
  readonly calls: number[]
  /** Until then every call fails. */
  isDown: boolean
  /** Called with what has come, before it is taken. */
  onSend: (records: readonly AuditRecord[], signal: AbortSignal) => Promise<void> | void
}

function createCollector(): Collector {
  const collector: Collector = {
    ...{ name: 'collector', numbers: [], calls: [], isDown: false, onSend: () => {} },
    async send(records, signal) {
      await collector.onSend(records, signal)
      if (collector.isDown) throw new Error('it is down')
      collector.calls.push(records.length)
      collector.numbers.push(...records.map(({ number }) => number))
    },
  }
  return collector
}

interface Followed {
  readonly db: Database
  readonly clock: TestClock
  readonly collector: Collector
  readonly events: string[]
  readonly waiting: number[]
  /** Another process. */
  follow(leader: string, db?: Database): SinkFollower
  openAgain(): Promise<Database>
}

async function prepare(t: TestContext, store: StoreSuite): Promise<Followed> {
  const { db, clock, openAgain } = await store.open(t)
  const collector = createCollector()
  const events: string[] = []
  const waiting: number[] = []
  const follow = (leader: string, over = db) =>
    followChain({
      ...{ db: over, sink: collector, clock, leader },
      onWaiting: (count) => waiting.push(count),
      onFailure: (reason) => events.push(reason),
      onRecovery: () => events.push('back'),
      onCut: ({ number }) => events.push(`cut before ${number}`),
    })
  return { db, clock, collector, events, waiting, follow, openAgain }
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1)

forEachStore((_engine, store) => {
  test('issue Audit: a sink gets every record once, in order and in pieces, and then what is new', async (t) => {
    const { db, collector, waiting, follow } = await prepare(t, store)
    await writeRecords(db, 250)
    const { number } = await readHead(db)
    const follower = follow('one')
    await follower.work()
    assert.deepEqual(collector.numbers, upTo(number))
    assert.deepEqual(collector.calls.slice(0, 2), [100, 100])
    await follower.work()
    assert.equal(collector.numbers.length, number, 'nothing is new')
    await writeRecords(db, 2)
    await follower.work()
    assert.deepEqual(collector.numbers, upTo(number + 2))
    assert.deepEqual(waiting, [number, 0, 0, 2, 0])
  })

  test('issue Audit: records that are large go in smaller calls, the largest alone', async (t) => {
    const { db, collector, follow } = await prepare(t, store)
    await follow('one').work()
    collector.calls.splice(0)
    await db.write(async (tx) => {
      for (const size of [600_000, 200_000, 200_000, 200_000, 5])
        tx.audit({
          tenantId: null,
          actor: 'x',
          action: 'y',
          target: 'z',
          after: JSON.stringify('a'.repeat(size)),
        })
    })
    await follow('one').work()
    assert.deepEqual(collector.calls, [1, 2, 2])
  })

  test('issue Audit: after a restart it goes on where it stood; what was under way comes again', async (t) => {
    const { db, clock, collector, follow, openAgain } = await prepare(t, store)
    await writeRecords(db, 150)
    const { number } = await readHead(db)
    const power = { isCut: false }
    collector.onSend = ([first]) => {
      power.isCut = (first?.number ?? 0) > 100
    }
    const dying: Database = {
      ...db,
      write: (work, by) => (power.isCut ? Promise.reject(new Error('power cut')) : db.write(work, by)),
    }
    await assert.rejects(follow('one', dying).work(), /power cut/)
    assert.deepEqual(collector.numbers, upTo(number), 'it has them, and nobody knows')
    const again = follow('two', await openAgain())
    await again.work()
    assert.equal(collector.numbers.length, number, 'the dead one may still be at it')
    clock.advance(30)
    collector.onSend = () => {}
    await again.work()
    assert.deepEqual(collector.numbers.slice(number), upTo(number).slice(100))
  })

  test('issue Audit: a sink that is down is asked later and later, and then gets all that waited', async (t) => {
    const { db, clock, collector, events, follow } = await prepare(t, store)
    const follower = follow('one')
    collector.isDown = true
    let seconds = 0
    const triedAt: number[] = []
    collector.onSend = () => void triedAt.push(seconds)
    for (; seconds < 700; seconds += 1) {
      await follower.work()
      clock.advance(1)
    }
    assert.deepEqual(triedAt, [0, 2, 6, 14, 30, 62, 126, 254, 510])
    assert.deepEqual([...new Set(events)], ['it is down'])
    await db.write(async (tx) => tx.audit({ tenantId: null, actor: 'x', action: 'y', target: 'z' }))
    collector.isDown = false
    clock.advance(300)
    await follower.work()
    assert.deepEqual(collector.numbers, upTo((await readHead(db)).number))
    assert.equal(events.at(-1), 'back')
    const tries = triedAt.length
    await db.write(async (tx) => tx.audit({ tenantId: null, actor: 'x', action: 'y', target: 'z' }))
    collector.isDown = true
    await follower.work()
    clock.advance(2)
    collector.isDown = false
    await follower.work()
    assert.equal(triedAt.length, tries + 2, 'it begins with a short pause again')
    assert.deepEqual(events.slice(-3), ['back', 'it is down', 'back'])
  })

  test('issue Audit: of two processes one hands on, and nothing comes twice', async (t) => {
    const { db, collector, follow, openAgain } = await prepare(t, store)
    await writeRecords(db, 50)
    const other = follow('two', await openAgain())
    collector.onSend = () => other.work()
    await follow('one').work()
    await other.work()
    assert.deepEqual(collector.numbers, upTo((await readHead(db)).number))
  })

  test('issue Audit: when a sink fails at one process, another one may try at once', async (t) => {
    const { db, collector, follow, openAgain } = await prepare(t, store)
    collector.isDown = true
    await follow('one').work()
    collector.isDown = false
    await follow('two', await openAgain()).work()
    assert.deepEqual(collector.numbers, upTo((await readHead(db)).number))
  })

  test('issue Audit: a stop ends the call under way, and the next start need not wait', async (t) => {
    const { db, collector, events, follow } = await prepare(t, store)
    const follower = follow('one')
    collector.onSend = (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('ended')))
        follower.close()
      })
    await follower.work()
    assert.deepEqual([events, collector.numbers], [[], []])
    collector.onSend = () => {}
    await follower.work()
    assert.deepEqual(collector.numbers, [], 'it has ended')
    await follow('two').work()
    assert.deepEqual(collector.numbers, upTo((await readHead(db)).number))
  })

  test('trust R16: a chain that no longer holds what was handed on is told of, and handed on from its start', async (t) => {
    const { db, collector, events, follow } = await prepare(t, store)
    await writeRecords(db, 10)
    const { number } = await readHead(db)
    await follow('one').work()
    await db.write((tx) => tx.kysely.deleteFrom('audit_records').where('number', '>', 5).execute())
    await follow('one').work()
    assert.deepEqual(events, [`cut before ${number}`])
    assert.deepEqual(collector.numbers, [...upTo(number), ...upTo(5)])
  })
})
