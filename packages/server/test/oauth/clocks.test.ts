// trust.md R17: a node whose clock is wrong says so, and goes on.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { createMetrics } from '../../src/http/metrics.ts'
import type { Database } from '../../src/store/database.ts'
import { openPostgres } from '../../src/store/postgres.ts'
import { clockChore } from '../../src/wiring/clock-chore.ts'
import { createTestServer, forEachStore, startTestServer } from '../harness.ts'
import { assertToken } from './answers.ts'
import { app, blueprint, tenant } from './sample.ts'

const text = blueprint(tenant('acme', [app('sync')]))

const unlessSqlite = (engine: string) => engine === 'sqlite' && 'one machine has one clock'

forEachStore((engine, suite) => {
  test('trust R17: a node whose clock is ahead issues by that of the database, and beyond a minute by its own', {
    skip: unlessSqlite(engine),
  }, async (t) => {
    const { location, clock } = await suite.prepare(t)
    const node = { ahead: 0 }
    const readTime = () => clock() - node.ahead
    const db = await openPostgres({ url: location, clock, readTime, timeoutMilliseconds: 30_000 })
    const server = await createTestServer({ db, clock, blueprints: [text] })
    t.after(() => server.server.close())
    const basic = server.credential('acme', 'sync')
    const issuedAt = async () => {
      const token = assertToken(await server.token('acme', { basic }))
      const { iat = 0, exp = 0 } = decodeJwt(token)
      assert.equal(exp - iat, 600, 'no silence of the feed is made by it')
      return iat
    }
    assert.equal(await issuedAt(), clock())
    node.ahead = 30
    await db.changes.catchUp()
    assert.equal(await issuedAt(), clock() - 30)
    assert.equal(db.changes.lastContactAt, clock() - 30)
    node.ahead = -30
    await db.changes.catchUp()
    assert.equal(await issuedAt(), clock())
    node.ahead = 61
    await db.changes.catchUp()
    assert.equal(await issuedAt(), clock())
  })

  test('trust R17: clocks that part are an error of the log, once, and a metric, and no node is taken out of service', async (t) => {
    const apart = { seconds: 0 }
    const db = (real: Database): Database => ({ ...real, secondsAhead: () => apart.seconds })
    const server = await startTestServer(t, suite, text, {}, { db })
    const metrics = createMetrics({ withProcess: false })
    const said: unknown[] = []
    const note = (level: string) => (message: string, fields?: object) =>
      void said.push([level, message, ...(fields ? [fields] : [])])
    const log = { info: note('info'), error: note('error') }
    const { work } = clockChore(server.db, log, metrics)
    const after = async (seconds: number) => {
      apart.seconds = seconds
      await work()
      await work()
      return /^sallyport_clock_ahead_seconds (\S+)$/m.exec((await metrics.render()).body)?.[1]
    }
    assert.deepEqual([await after(0), await after(2), said], ['0', '2', []])
    assert.equal(await after(-30), '-30')
    assertToken(await server.token('acme', { basic: server.credential('acme', 'sync') }))
    assert.equal((await server.request({ url: '/readyz' })).status, 200)
    await after(2)
    await after(0)
    await after(3)
    const reason = (words: string) => ({ reason: `this clock is ${words} the database's` })
    assert.deepEqual(said, [
      ['error', 'clocks apart', reason('30 seconds behind')],
      ['info', 'clocks agree'],
      ['error', 'clocks apart', reason('3 seconds ahead of')],
    ])
  })
})
