/** The clocks of nodes are not one: what is written by one that is behind, or ahead. */

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import { removeApp } from '../../src/store/apps.ts'
import type { Database } from '../../src/store/database.ts'
import { openPostgres } from '../../src/store/postgres.ts'
import { findRevocation, lateSeconds } from '../../src/store/revocations.ts'
import { createClock, forEachStore, type StoreSuite, saveSampleTenant } from './each-store.ts'

const cutOffOf = async (db: Database) => {
  await saveSampleTenant(db, 'a')
  await db.write((tx) => removeApp(tx, 'a', 'client-1'))
  return (await findRevocation(db, 'a', { kind: 'app', subjectId: 'client-1' }))?.issuedUntil ?? 0
}

forEachStore((engine, store) => {
  if (engine === 'sqlite') {
    test('trust R17: on one machine there is one clock, and a write goes by it', async (t) => {
      const { open, clock } = await store.prepare(t)
      assert.equal(await cutOffOf(await open()), clock() + lateSeconds)
    })
    return
  }

  test('trust R17: the cut-off of a node whose clock is behind hits what others have issued until now', async (t) => {
    const { db, timeThere } = await openApart(t, store, -30)
    const before = await timeThere()
    const cutOff = await cutOffOf(db)
    assert.ok(cutOff >= before + lateSeconds && cutOff <= (await timeThere()) + lateSeconds)
  })

  test('trust R17: with each poll a node hears how far its clock is from that of the database', async (t) => {
    const { location, clock } = await store.prepare(t)
    let behind = 0
    const readTime = () => clock() + behind
    const db = await openPostgres({ url: location, clock, readTime, timeoutMilliseconds: 30_000 })
    t.after(() => db.close())
    const aheadWhen = async (seconds: number) => {
      behind = seconds
      await db.changes.catchUp()
      return db.secondsAhead()
    }
    assert.equal(await aheadWhen(0), 0)
    assert.equal(await aheadWhen(30), -30)
    assert.equal(await aheadWhen(-30), 30)
    // Seconds of two clocks that agree need not begin together.
    assert.deepEqual([await aheadWhen(1), await aheadWhen(-1)], [0, 0])
  })

  test('trust R17: the cut-off of a node whose clock is ahead hits what it has issued itself', async (t) => {
    const { db, clock } = await openApart(t, store, 30)
    assert.equal(await cutOffOf(db), clock() + lateSeconds)
  })
})

/** A node whose clock differs by so many seconds from the one that the server really has. */
async function openApart(t: TestContext, store: StoreSuite, seconds: number) {
  const { location, open } = await store.prepare(t)
  const other = await open()
  const timeThere = async () => {
    const { rows } = await sql<{ now: string }>`select clock_timestamp() as now`.execute(other.kysely)
    return Math.floor(new Date(rows[0]?.now ?? '').getTime() / 1000)
  }
  const clock = createClock((await timeThere()) + seconds)
  const db = await openPostgres({ url: location, clock, timeoutMilliseconds: 30_000 })
  t.after(() => db.close())
  return { db, clock, timeThere }
}
