/** More questions than PostgreSQL can answer: a bounded queue, and a change feed that does not stand in it. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findClient } from '../../src/store/apps.ts'
import { StoreUnavailable } from '../../src/store/database.ts'
import { saveTenant } from '../../src/store/tenants.ts'
import { createSuite } from './each-store.ts'

const skip = process.env.STORAGE === 'sqlite' && 'STORAGE=sqlite'

test('R11: of too many reads at once the surplus is told so at once, and the feed overtakes the rest', {
  skip,
}, async (t) => {
  const suite = createSuite('postgres')
  const { db, openAgain } = await suite.open(t)
  const other = await openAgain()
  const order: string[] = []
  const told: string[] = []
  db.changes.follow(
    (changes) => told.push(...changes.map(({ subjectId }) => subjectId)),
    () => {},
  )
  const outcomes: Promise<unknown>[] = Array.from({ length: 6_000 }, async (_, index) =>
    findClient(db, 'a', `nobody-${index}`),
  )
  const settled = Promise.allSettled(outcomes).then((results) => {
    order.push('reads')
    return results
  })
  await other.write((tx) => saveTenant(tx, 'late', { name: 'T', environment: 'test', settings: {} }))
  await db.changes.catchUp()
  order.push('feed')
  assert.ok(told.includes('late'))
  const refused = (await settled).filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
  assert.ok(refused.length > 0 && refused.length <= 1_000, `${refused.length} refused`)
  for (const { reason } of refused) assert.ok(reason instanceof StoreUnavailable)
  assert.deepEqual(order, ['feed', 'reads'])
})
