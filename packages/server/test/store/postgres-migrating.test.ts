/** PostgreSQL while another process migrates it, or has frozen while it did. */

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { sql } from 'kysely'
import { openPostgres } from '../../src/store/postgres.ts'
import { postgresForTests, withAdministrator, withoutPostgres } from '../postgres.ts'
import { createClock } from './each-store.ts'

after(async () => {
  if (!withoutPostgres) await (await postgresForTests()).stop()
})

test('operations: whoever waits for the migration of another process is told so once, and goes on after it', {
  skip: withoutPostgres,
}, async (t) => {
  const { url, drop } = await (await postgresForTests()).createDatabase()
  t.after(drop)
  let told = 0
  await withAdministrator(url, async (other) => {
    await other.query('select pg_advisory_lock(23057, 2)')
    await new Promise<void>((resolve, reject) => {
      const onWaiting = () => {
        told += 1
        other.query('select pg_advisory_unlock(23057, 2)').catch(reject)
      }
      openPostgres({ url, clock: createClock(), onWaiting })
        .then((db) => db.close())
        .then(resolve, reject)
    })
  })
  assert.equal(told, 1)
})

test('operations: a migration may take long, also where the user has a limit as a pooler needs it; frozen, PostgreSQL gives it up', {
  skip: withoutPostgres,
}, async (t) => {
  const { url, drop } = await (await postgresForTests()).createDatabase()
  t.after(drop)
  const name = new URL(url).pathname.slice(1)
  await withAdministrator(url, (admin) =>
    admin.query(`alter database "${name}" set statement_timeout = '700ms'`),
  )
  const shown: unknown[] = []
  const db = await openPostgres({
    ...{ url, clock: createClock() },
    async beforeMigrating({ kysely }) {
      for (const name of ['idle_in_transaction_session_timeout', 'statement_timeout'])
        shown.push(...(await sql.raw(`show ${name}`).execute(kysely)).rows)
    },
  })
  await db.close()
  assert.deepEqual(shown, [{ idle_in_transaction_session_timeout: '30s' }, { statement_timeout: '0' }])
})
