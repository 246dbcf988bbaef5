/** Tables that are larger than one statement of a request may look at: PostgreSQL ends each after less than a second. */

import assert from 'node:assert/strict'
import { after, type TestContext, test } from 'node:test'
import { sql } from 'kysely'
import { type Database, StoreUnavailable } from '../../src/store/database.ts'
import { leapAhead } from '../../src/store/new-life.ts'
import { pruneChanges } from '../../src/store/old-changes.ts'
import { openPostgres } from '../../src/store/postgres.ts'
import { listRevocations, listRevocationsAfter, revoke } from '../../src/store/revocations.ts'
import { removeTenant } from '../../src/store/tenants.ts'
import { allowWholeTables } from '../../src/store/whole-tables.ts'
import { postgresForTests, withAdministrator, withoutPostgres } from '../postgres.ts'
import { createClock, saveSampleTenant } from './each-store.ts'
import { migratedPostgres } from './migrated.ts'

after(async () => {
  if (!withoutPostgres) await (await postgresForTests()).stop()
})

interface LargeStore {
  readonly db: Database
  readonly url: string
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
  return { db, url, fill }
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

const changes = (count: number) => `insert into changes (tenant_id, noun, subject_id, happened_at)
  select 'neighbour', 'app', number::text, 0 from generate_series(1, ${count}) number`

test('settled Store: old changes are pruned, however many there are', {
  skip: withoutPostgres,
}, async (t) => {
  const { db, fill } = await openHasty(t, 200)
  await fill(changes(200_000))
  assert.ok((await pruneChanges(db, 1)) >= 199_999)
})

test('R15: a follower is told what it has missed, however much others have changed meanwhile', {
  skip: withoutPostgres,
}, async (t) => {
  const { db, fill } = await openHasty(t, 200)
  const { lastSeq } = db.changes
  await fill(changes(600_000))
  await db.write((tx) => revoke(tx, 'acme', { kind: 'app', subjectId: 'client-1' }))
  const missed = await listRevocationsAfter(db, 'acme', lastSeq)
  assert.deepEqual(
    missed?.map(({ revocation }) => revocation.subjectId),
    ['client-1'],
  )
})

test('R15: a follower that cannot be told in time what it has missed is to begin anew', {
  skip: withoutPostgres,
}, async (t) => {
  const { db, url } = await openHasty(t, 300)
  const { lastSeq } = db.changes
  await withAdministrator(url, async (administrator) => {
    await administrator.query('begin')
    await administrator.query('lock table changes in access exclusive mode')
    assert.equal(await listRevocationsAfter(db, 'acme', lastSeq), null)
  })
  assert.deepEqual(await listRevocationsAfter(db, 'acme', lastSeq), [])
})

test('R9: a restored database begins its new life, however many changes the old one had made', {
  skip: withoutPostgres,
}, async (t) => {
  const { db, fill } = await openHasty(t, 200)
  await fill(changes(300_000))
  const seq = await db.write((tx) => leapAhead(tx, db.engine))
  assert.deepEqual(await db.kysely.selectFrom('changes').select('seq').execute(), [{ seq }])
})

test('product 3: a tenant is removed, however many apps it has', {
  skip: withoutPostgres,
}, async (t) => {
  const { db, fill } = await openHasty(t, 300)
  await fill(`insert into apps
    (tenant_id, client_id, id, organization_id, name, settings, created_at, updated_at)
    select 'acme', 'c' || number, 'a' || number, 'acme', 'An app', '{}', 0, 0 from generate_series(1, 20000) number`)
  await fill(`insert into credentials
    (tenant_id, client_id, id, format, verifier, created_at, updated_at)
    select 'acme', client_id, 'only', 'hmac-sha256', '', 0, 0 from apps where client_id <> 'client-1'`)
  await db.write((tx) => removeTenant(tx, 'acme'))
  assert.deepEqual(await db.kysely.selectFrom('tenants').select('id').execute(), [])
})

test('trust R4: work on whole tables has its time until its transaction ends, and nothing else has', {
  skip: withoutPostgres,
}, async (t) => {
  const { db } = await openHasty(t, 300)
  const sleep = sql`select pg_sleep(0.5)`
  await db.write(async (tx) => {
    await allowWholeTables(tx)
    await sleep.execute(tx.kysely)
  })
  await assert.rejects(sleep.execute(db.kysely), StoreUnavailable)
  await assert.rejects(
    db.write((tx) => sleep.execute(tx.kysely)),
    StoreUnavailable,
  )
})
