/** The migration timeline over both engines: locked, resumable at every statement, never backwards. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { findClient } from '../../src/store/apps.ts'
import { StoreEmpty, StoreRefused } from '../../src/store/database.ts'
import type { Migration } from '../../src/store/migrations/migration.ts'
import { type MigrationTarget, migrate, migrations, type SchemaVersions } from '../../src/store/migrations.ts'
import { listPeppers } from '../../src/store/peppers.ts'
import { postgresTarget } from '../../src/store/postgres.ts'
import type { Schema } from '../../src/store/schema.ts'
import { sqliteTarget } from '../../src/store/sqlite.ts'
import { writingKysely } from '../../src/store/sqlite-driver.ts'
import { listTenantIds } from '../../src/store/tenants.ts'
import { addAttempts } from '../../src/store/throttle.ts'
import { type EmptyStore, forEachStore, saveSampleTenant } from './each-store.ts'
import { atStatement } from './fault.ts'
import { numberedUse } from './numbered-use.ts'

/** A raw way to the database under test, for what `openSqlite` and `openPostgres` do before anybody sees them. */
const connectTo = {
  sqlite(location: string) {
    const connection = new DatabaseSync(location)
    connection.exec('pragma synchronous = off')
    const kysely = writingKysely(connection, 1000)
    return { kysely, target: sqliteTarget, close: async () => connection.close() }
  },
  postgres(location: string) {
    const pool = new pg.Pool({ connectionString: location, max: 1 })
    const kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) })
    return { kysely, target: postgresTarget, close: () => pool.end() }
  },
}

/** Cheaper than another database for each of the many runs. */
const emptyDatabase = {
  async sqlite(kysely: Kysely<Schema>) {
    await sql`pragma foreign_keys = off`.execute(kysely)
    const { rows } = await sql<{ name: string }>`select name from sqlite_schema where type = 'table'`.execute(
      kysely,
    )
    for (const { name } of rows) await sql`drop table ${sql.table(name)}`.execute(kysely)
  },
  async postgres(kysely: Kysely<Schema>) {
    await sql`drop schema public cascade`.execute(kysely)
    await sql`create schema public`.execute(kysely)
  },
}

const known = migrations.length

const nextMigration: Migration = {
  id: known + 1,
  name: 'next',
  async run(kysely, { text }) {
    await kysely.schema.createTable('extra').addColumn('one', text).execute()
    await sql`insert into extra (one) values ('row')`.execute(kysely)
  },
}
const longerTimeline = [...migrations, nextMigration]

forEachStore((engine, store) => {
  const withTarget = async <Result>(
    { location, clock }: EmptyStore,
    work: (target: MigrationTarget, kysely: Kysely<Schema>) => Promise<Result>,
    prepareKysely: (kysely: Kysely<Schema>) => Kysely<Schema> = (kysely) => kysely,
  ): Promise<Result> => {
    const { kysely, target, close } = connectTo[engine](location)
    try {
      return await work(target(prepareKysely(kysely), clock), kysely)
    } finally {
      await close()
    }
  }

  test('trust R21: after a failure at any statement of any migration the next start completes', async (t) => {
    const empty = await store.prepareUnmigrated(t)
    let statement = 0
    for (let failed = true; failed; ) {
      statement += 1
      await withTarget(empty, (_, kysely) => emptyDatabase[engine](kysely))
      const fault = atStatement(statement, () => {
        throw new Error('power cut')
      })
      failed = await withTarget(
        empty,
        (target) =>
          migrate(target, longerTimeline).then(
            () => false,
            () => true,
          ),
        (kysely) => kysely.withPlugin(fault),
      )
      await withTarget(empty, async (target, kysely) => {
        await migrate(target, longerTimeline)
        const applied = await sql<{
          id: number | string
        }>`select id from schema_migrations order by id`.execute(kysely)
        assert.deepEqual(
          applied.rows.map(({ id }) => Number(id)),
          longerTimeline.map(({ id }) => id),
          `after a failure at statement ${statement}`,
        )
        const extra = await sql`select one from extra`.execute(kysely)
        assert.equal(extra.rows.length, 1, `after a failure at statement ${statement}`)
      })
    }
    assert.ok(statement > 25, `only ${statement} statements were tried`)
  })

  test('issue Storage: of many processes that start at once one migrates, and all go on', async (t) => {
    const { open } = await store.prepareUnmigrated(t)
    const opened = await Promise.all(Array.from({ length: 5 }, () => open()))
    const [first] = opened
    if (first) await saveSampleTenant(first, 'a')
    for (const db of opened) assert.deepEqual(await listTenantIds(db), ['a'])
  })

  test('issue Storage: data is kept when the same release starts again', async (t) => {
    const { open } = await store.prepareUnmigrated(t)
    const db = await open()
    await saveSampleTenant(db, 'a')
    const { lastSeq } = db.changes
    await db.close()
    const again = await open()
    assert.deepEqual(await listTenantIds(again), ['a'])
    assert.equal(again.changes.lastSeq, lastSeq)
  })

  test('issue Storage: a database of a newer release is refused with one sentence, and left as it is', async (t) => {
    const empty = await store.prepareUnmigrated(t)
    await withTarget(empty, (target) => migrate(target, longerTimeline))
    await assert.rejects(
      empty.open(),
      new StoreRefused(
        `The database was written by a newer Sallyport (schema ${known + 1}, this release knows ${known}): ` +
          'start the newer release, or restore a backup made before the upgrade.',
      ),
    )
    await withTarget(empty, (target) => migrate(target, longerTimeline))
  })

  test('trust R21: who must not migrate leaves an older schema to its release; who may is told of it once', async (t) => {
    const empty = await store.prepareUnmigrated(t)
    const told: SchemaVersions[] = []
    const onMigrated = (versions: SchemaVersions) => void told.push(versions)
    const leave = { mustBeCurrent: true, onMigrated }
    await assert.rejects(
      empty.open(leave),
      new StoreEmpty('There is nothing in the database yet: start the server first, or name another one.'),
    )
    const older = migrations.slice(0, -1)
    await withTarget(empty, (target) => migrate(target, older, { onMigrated }))
    await assert.rejects(
      empty.open(leave),
      new StoreRefused(
        `The database is of an older Sallyport (schema ${known - 1}, this release needs ${known}): ` +
          'start the server of this release first, which migrates it, or go on with the older one.',
      ),
    )
    // It would be refused here as that of a newer release.
    await withTarget(empty, (target) => migrate(target, older))
    assert.deepEqual(told, [], 'a new database is no migration')
    const beforeMigrating = () => Promise.reject(new Error('the port is taken'))
    await assert.rejects(empty.open({ beforeMigrating, onMigrated }), /the port is taken/)
    assert.deepEqual(told, [])
    await empty.open({ onMigrated })
    await empty.open(leave)
    // Of what is up to date it is not asked: a port is opened for a moment for it.
    await empty.open({ beforeMigrating })
    assert.deepEqual(told, [{ from: known - 1, to: known }])
  })

  test('trust R21: before an older schema is migrated, its peppers can be read, whatever its version', async (t) => {
    for (let version = 1; version < known; version++) {
      const empty = await store.prepareUnmigrated(t)
      await withTarget(empty, async (target, kysely) => {
        await migrate(target, migrations.slice(0, version))
        const pepper = { version: 1, sealed: Buffer.of(version), created_at: 0 }
        await kysely.insertInto('peppers').values(pepper).execute()
      })
      const read: number[][] = []
      await empty.open({
        async beforeMigrating(found) {
          for (const { sealed } of await listPeppers(found)) read.push([found.version, ...sealed])
        },
      })
      assert.deepEqual(read, [[version, version]])
    }
  })

  test('issue Storage: a database of version 1 is opened with its rows, and an old packed credential reads', async (t) => {
    const empty = await store.prepareUnmigrated(t)
    await withTarget(empty, async (target, kysely) => {
      await migrate(target, migrations.slice(0, 1))
      await saveRowsOfVersion1(kysely)
    })
    const db = await empty.open()
    const [credential] = await db.kysely.selectFrom('credentials').selectAll().execute()
    assert.equal(credential?.sealed_secret, null)
    assert.deepEqual([...(credential?.verifier ?? [])], [1, 2, 3])
    const found = await findClient(db, 'a', 'c')
    assert.deepEqual(
      found?.credentials.map(({ id, verifier, sealedSecret }) => [id, [...verifier], sealedSecret]),
      [['main', [1, 2, 3], null]],
    )
    assert.deepEqual(await db.insertUses([numberedUse(1), numberedUse(1)]), [true, false])
    await db.write((tx) => addAttempts(tx, [{ key: Buffer.from('k'), windowStartedAt: 60, count: 1 }]))
  })

  if (engine === 'sqlite') {
    test('trust R21: a process killed at a statement leaves a file that the next start completes', async (t) => {
      const crash = fileURLToPath(new URL('./crash-in-migration.ts', import.meta.url))
      for (const statement of ['3', '9', '15', '25']) {
        const { location, open } = await store.prepareUnmigrated(t)
        const { signal } = spawnSync(process.execPath, [crash, location, statement])
        assert.equal(signal, 'SIGKILL')
        const db = await open()
        await saveSampleTenant(db, 'a')
        assert.deepEqual(await listTenantIds(db), ['a'])
      }
    })
  }
})

/** As release 1 wrote them. */
async function saveRowsOfVersion1(kysely: Kysely<Schema>): Promise<void> {
  for (const statement of [
    sql`insert into tenants (id, name, environment, settings, created_at, updated_at)
      values ('a', 'A', 'test', '{}', 1, 1)`,
    sql`insert into organizations (tenant_id, id, name, settings, created_at, updated_at)
      values ('a', 'o', 'O', '{}', 1, 1)`,
    sql`insert into apps (tenant_id, client_id, id, organization_id, name, settings, credentials, created_at, updated_at)
      values ('a', 'c', 'app', 'o', 'App', '{}', '[["main","sha256","AQID",null,null,null,null]]', 1, 1)`,
    sql`insert into credentials (tenant_id, client_id, id, format, verifier, created_at, updated_at)
      values ('a', 'c', 'main', 'sha256', ${Buffer.from([1, 2, 3])}, 1, 1)`,
  ])
    await statement.execute(kysely)
}

test('style 3.2: the timeline counts up from 1 without a gap', () => {
  assert.deepEqual(
    migrations.map(({ id }) => id),
    migrations.map((_, index) => index + 1),
  )
})
