/** More questions than PostgreSQL can answer: a bounded queue, and a change feed that does not stand in it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import pg from 'pg'
import { findClient } from '../../src/store/apps.ts'
import { StoreUnavailable } from '../../src/store/database.ts'
import { saveTenant } from '../../src/store/tenants.ts'
import { withoutPostgres } from '../postgres.ts'
import { createSuite } from './each-store.ts'

/** Holds every read of an app until it is let go, so that nothing here depends on how fast the machine is. */
async function holdApps(url: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('begin')
  await client.query('lock table apps in access exclusive mode')
  return () => client.end()
}

test('R11: of too many reads at once the surplus is told so at once, and the feed overtakes the rest', {
  skip: withoutPostgres,
}, async (t) => {
  const { location, open } = await createSuite('postgres').prepare(t)
  const db = await open()
  const other = await open()
  const told: string[] = []
  db.changes.follow(
    (changes) => told.push(...changes.map(({ subjectId }) => subjectId)),
    () => {},
  )
  const letGo = await holdApps(location)
  let answered = 0
  const refusals: unknown[] = []
  const reads = Array.from({ length: 6_000 }, async (_, index) => {
    try {
      await findClient(db, 'a', `nobody-${index}`)
      answered += 1
    } catch (error) {
      refusals.push(error)
    }
  })
  try {
    await other.write((tx) => saveTenant(tx, 'late', { name: 'T', environment: 'test', settings: {} }))
    await db.changes.catchUp()
    assert.ok(told.includes('late'))
    assert.equal(answered, 0)
    assert.ok(refusals.length > 0 && refusals.length <= 1_000, `${refusals.length} refused`)
    for (const error of refusals) assert.ok(error instanceof StoreUnavailable)
  } finally {
    await letGo()
    await Promise.all(reads)
  }
  assert.ok(answered > 0)
})
