/** The change feed over both engines: order, gaps, other processes, and an honest "I may have missed something". */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Kysely, sql } from 'kysely'
import { removeApp, saveApp } from '../../src/store/apps.ts'
import { type Change, DatabaseChangeFeed, insertChanges } from '../../src/store/changes.ts'
import type { Database } from '../../src/store/database.ts'
import { pruneChanges } from '../../src/store/old-changes.ts'
import { removeOrganization } from '../../src/store/organizations.ts'
import { lockFeed } from '../../src/store/postgres.ts'
import type { Read } from '../../src/store/prepared.ts'
import type { Schema } from '../../src/store/schema.ts'
import { removeTenant, saveTenant } from '../../src/store/tenants.ts'
import { forEachStore, saveSampleTenant } from './each-store.ts'

/** Collects what a follower is told, and waits for it without sleeping. */
function record(db: Pick<Database, 'changes'>) {
  const seen: Change[] = []
  let lost = 0
  let wake = () => {}
  const note = () => wake()
  db.changes.follow(
    (changes) => {
      seen.push(...changes)
      note()
    },
    () => {
      lost += 1
      note()
    },
  )
  const until = async (isDone: () => boolean) => {
    while (!isDone()) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
  return {
    seen,
    until,
    lost: () => lost,
    subjects: () => seen.map(({ noun, subjectId }) => `${noun} ${subjectId}`),
  }
}

const tenant = { name: 'T', environment: 'test', settings: {} } as const

forEachStore((engine, store) => {
  test('settled Store: a write is delivered in this process before it resolves', async (t) => {
    const { db } = await store.open(t)
    const follower = record(db)
    await db.write((tx) => saveTenant(tx, 'a', tenant))
    assert.deepEqual(follower.subjects(), ['tenant a'])
    assert.equal(db.changes.lastSeq, follower.seen[0]?.seq)
  })

  test('product 3: one transaction tells each subject once, and a failed one tells nothing', async (t) => {
    const { db } = await store.open(t)
    const follower = record(db)
    await db.write(async (tx) => {
      await saveTenant(tx, 'a', tenant)
      await saveTenant(tx, 'a', tenant)
    })
    const failing = db.write(async (tx) => {
      await saveTenant(tx, 'b', tenant)
      throw new Error('changed my mind')
    })
    await assert.rejects(failing, /changed my mind/)
    await db.changes.catchUp()
    assert.deepEqual(follower.subjects(), ['tenant a'])
  })

  test('settled Store: under 50 parallel writers on two nodes every follower sees every change, in order', async (t) => {
    const { db, openAgain } = await store.open(t)
    const other = await openAgain()
    const followers = [record(db), record(other)]
    const writers = Array.from({ length: 50 }, (_, n) =>
      (n % 2 ? db : other).write((tx) => saveTenant(tx, `tenant-${n}`, tenant)),
    )
    await Promise.all(writers)
    for (const follower of followers) {
      await follower.until(() => follower.seen.length >= 50)
      const order = follower.seen.map(({ seq }) => seq)
      assert.deepEqual(
        order,
        order.toSorted((a, b) => a - b),
      )
      assert.equal(new Set(follower.subjects()).size, 50)
      assert.equal(follower.lost(), 0)
    }
  })

  test('product 3: another node is told without asking', async (t) => {
    const { db, openAgain } = await store.open(t)
    const follower = record(await openAgain())
    await db.write((tx) => saveTenant(tx, 'a', tenant))
    await follower.until(() => follower.seen.length === 1)
    assert.deepEqual(follower.subjects(), ['tenant a'])
  })

  test('settled Store: a follower behind the pruned part is told to drop everything, once', async (t) => {
    const { db, openAgain } = await store.open(t)
    const behind = await openAgain()
    const follower = record(behind)
    // In one transaction, so that the follower cannot read in between.
    await db.write(async (tx) => {
      await insertChanges(tx.kysely, [{ tenantId: 'a', noun: 'tenant', subjectId: 'a' }], 0)
      await sql`delete from changes where seq < (select max(seq) from changes)`.execute(tx.kysely)
      tx.append({ tenantId: 'b', noun: 'tenant', subjectId: 'b' })
    })
    await follower.until(() => follower.lost() === 1)
    await behind.changes.catchUp()
    assert.equal(behind.changes.lastSeq, db.changes.lastSeq)
    assert.equal(follower.lost(), 1)
  })

  test('settled Store: pruning keeps the newest change, so that nobody loses the thread for it', async (t) => {
    const { db, clock } = await store.open(t)
    const follower = record(db)
    clock.advance(1000)
    const pruned = await pruneChanges(db, clock())
    assert.ok(pruned > 0)
    const rows = await db.kysely.selectFrom('changes').select('seq').execute()
    assert.deepEqual(
      rows.map(({ seq }) => seq),
      [db.changes.lastSeq],
    )
    await db.write((tx) => saveTenant(tx, 'a', tenant))
    assert.deepEqual(follower.subjects(), ['tenant a'])
    assert.equal(follower.lost(), 0)
  })

  test('settled Store: what is pruned leaves no gap, whatever the clocks of those who wrote it', async (t) => {
    const { db, clock } = await store.open(t)
    const write = (count: number, happenedAt: number) =>
      db.write(({ kysely }) => {
        const change = { tenantId: 'a', noun: 'tenant', subjectId: 'a' } as const
        return insertChanges(kysely, Array<typeof change>(count).fill(change), happenedAt)
      })
    const newestOf = (changes: readonly Change[]) => changes.at(-1)?.seq ?? 0
    await write(1200, 0)
    await write(1, clock() + 1000)
    const old = newestOf(await write(10, 0))
    const newest = newestOf(await write(10, clock()))
    assert.ok((await pruneChanges(db, clock())) > 1200)
    const rows = await db.kysely.selectFrom('changes').select('seq').orderBy('seq').execute()
    assert.deepEqual([rows[0]?.seq, rows.at(-1)?.seq], [old + 1, newest])
  })

  test('settled Store: a follower that is thousands behind is told to drop everything', async (t) => {
    const { db } = await store.open(t)
    const follower = record(db)
    await db.write(async (tx) => {
      for (let n = 0; n < 6000; n += 1) tx.append({ tenantId: 'neighbour', noun: 'app', subjectId: `c${n}` })
    })
    assert.equal(follower.lost(), 1)
    assert.equal(follower.seen.length, 0)
    await db.write((tx) => saveTenant(tx, 'a', tenant))
    assert.deepEqual(follower.subjects(), ['tenant a'])
  })

  test('product 3: removing names everything that may be cached of what went', async (t) => {
    const { db } = await store.open(t)
    await saveSampleTenant(db, 'own')
    const follower = record(db)
    const app = { clientId: 'client-2', id: 'second', organizationId: 'acme', name: 'Second', settings: {} }
    await db.write((tx) => saveApp(tx, 'own', app))
    await db.write((tx) => removeApp(tx, 'own', 'client-2'))
    await db.write((tx) => removeOrganization(tx, 'own', 'acme'))
    await db.write((tx) => removeTenant(tx, 'neighbour'))
    assert.deepEqual(
      follower.seen.map(({ tenantId, noun, subjectId }) => `${tenantId} ${noun} ${subjectId}`),
      [
        'own app client-2',
        'own app client-2',
        'own revocation app client-2',
        'own app client-1',
        'own revocation app client-1',
        'own organization acme',
        'own revocation organization acme',
        'neighbour app client-1',
        'neighbour organization acme',
        'neighbour tenant neighbour',
        'neighbour revocation tenant neighbour',
      ],
    )
  })

  test('trust R5: lastContactAt moves with every answer of the database', async (t) => {
    const { db, clock } = await store.open(t)
    clock.advance(100)
    await db.changes.catchUp()
    assert.equal(db.changes.lastContactAt, clock())
  })

  test('trust R5: a process that knows it has missed something is in contact again when it has told so, not before', async (t) => {
    const { db, clock } = await store.open(t)
    const broken = new Set<string>()
    const read: Read = async (query, values) => {
      if ([...broken].some((words) => query.sqlite.includes(words))) throw new Error('gone in between')
      return db.read(query, values)
    }
    const startedAt = clock()
    const feed = await DatabaseChangeFeed.start(read, clock)
    const follower = record({ changes: feed })
    await db.write((tx) => tx.kysely.deleteFrom('changes').execute())
    clock.advance(100)
    broken.add('max(')
    await assert.rejects(feed.catchUp(), /gone in between/)
    assert.deepEqual([follower.lost(), feed.lastContactAt], [0, startedAt])
    broken.clear()
    await feed.catchUp()
    assert.deepEqual([follower.lost(), feed.lastContactAt], [1, startedAt + 100])
  })

  test('trust R5: what is committed while a slow answer is on its way is not counted as told', async (t) => {
    const { db, clock } = await store.open(t)
    const slow: Read = async (query, values) => {
      const rows = await db.read(query, values)
      clock.advance(30)
      return rows
    }
    const feed = await DatabaseChangeFeed.start(slow, clock)
    const askedAt = clock()
    await feed.catchUp()
    assert.equal(feed.lastContactAt, askedAt)
  })

  if (engine === 'sqlite') {
    test('product 3: a write by another process on the same file is followed', async (t) => {
      const { location, open } = await store.prepare(t)
      const follower = record(await open())
      const writer = fileURLToPath(new URL('./write-tenant.ts', import.meta.url))
      const child = spawn(process.execPath, [writer, location, 'from-outside'], { stdio: 'inherit' })
      const [[exitCode]] = await Promise.all([
        once(child, 'exit'),
        follower.until(() => follower.seen.length > 0),
      ])
      assert.equal(exitCode, 0)
      assert.deepEqual(follower.subjects(), ['tenant from-outside'])
    })
  }

  if (engine === 'postgres') {
    test('settled Store: a change that commits late is never overtaken by a larger sequence number', async (t) => {
      const { db, openAgain } = await store.open(t)
      const follower = record(await openAgain())
      const writing = await db.kysely.transaction().execute(async (late) => {
        await lockFeed(late)
        await insertChanges(late, [{ tenantId: 'a', noun: 'tenant', subjectId: 'late' }], 0)
        const write = db.write((tx) => saveTenant(tx, 'a', tenant)).then(() => 'written')
        assert.equal(await Promise.race([write, untilSomebodyWaits(late)]), 'waiting')
        return { write }
      })
      await writing.write
      await follower.until(() => follower.seen.length === 2)
      assert.deepEqual(follower.subjects(), ['tenant late', 'tenant a'])
    })

    test('product 3: a follower whose connections were cut catches up by sequence', async (t) => {
      const { db, openAgain } = await store.open(t)
      const follower = record(await openAgain())
      await db.write(async (tx) => {
        await saveTenant(tx, 'a', tenant)
        await sql`select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid()`.execute(tx.kysely)
      })
      await follower.until(() => follower.seen.length === 1)
      await db.write((tx) => saveTenant(tx, 'b', tenant))
      await follower.until(() => follower.seen.length === 2)
      assert.deepEqual(follower.subjects(), ['tenant a', 'tenant b'])
      assert.equal(follower.lost(), 0)
    })
  }
})

async function untilSomebodyWaits(kysely: Kysely<Schema>): Promise<string> {
  for (;;) {
    const { rows } = await sql`select 1 from pg_locks where locktype = 'advisory' and not granted
      and database = (select oid from pg_database where datname = current_database())`.execute(kysely)
    if (rows.length > 0) return 'waiting'
  }
}
