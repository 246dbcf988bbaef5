/** Tables that are larger than one statement of a request may look at: PostgreSQL ends each after less than a second. */

import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import type { Database } from '../../src/store/database.ts'
import { openPostgres } from '../../src/store/postgres.ts'
import { listRevocations } from '../../src/store/revocations.ts'
import { postgresForTests, withAdministrator, withoutPostgres } from '../postgres.ts'
import { createClock, saveSampleTenant } from './each-store.ts'
import { migratedPostgres } from './migrated.ts'

after(async () => {
  if (!withoutPostgres) await (await postgresForTests()).stop()
})

interface LargeStore {
  readonly db: Database
  /** As the superuser, with all the time it takes. */
  fill(statement: string): Promise<void>
}

/** Less time than a server gives, so that fewer rows are too many. */
async function openHasty(t: TestContext, timeoutMilliseconds: number): Promise<LargeStore> {
  const { url, drop } = await migratedPostgres(await postgresForTests())
  const db = await openPostgres({ url, clock: createClock(), timeoutMilliseconds })
  t.after(async () => {
    await db.close()
    await drop()
  })
  await saveSampleTenant(db, 'acme')
  const fill = (statement: string) =>
    withAdministrator(url, async (administrator) => {
      await administrator.query(statement)
      await administrator.query('analyze')
    })
  return { db, fill }
}

test('R15: all revocations of a tenant are read, also when one statement has not the time for them', {
  skip: withoutPostgres,
}, async (t) => {
  const { db, fill } = await openHasty(t, 300)
  await fill(`insert into revocations (tenant_id, kind, subject_id, issued_until, expires_at)
    select 'acme', 'token', md5(number::text), 1800000000, 1900000000 from generate_series(1, 200000) number`)
  const revocations = await listRevocations(db, 'acme')
  assert.equal(new Set(revocations.map(({ subjectId }) => subjectId)).size, 200_000)
})
