/** R9, R15: a database that was put back numbers its changes where nobody has been, so that no follower goes on as if nothing had happened. */

import assert from 'node:assert/strict'
import { copyFileSync, renameSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { type Database, StoreRefused } from '../../src/store/database.ts'
import { leapAhead } from '../../src/store/new-life.ts'
import { listRevocationsAfter, revoke } from '../../src/store/revocations.ts'
import { forEachStore } from './each-store.ts'

const leap = (db: Database) => db.write((tx) => leapAhead(tx, db.engine))
const revokeApp = (db: Database, clientId: string) =>
  db.write((tx) => revoke(tx, 'neighbour', { kind: 'app', subjectId: clientId }))

forEachStore((engine, store) => {
  test('R15: whoever stood at any change of the life that is gone is told that what came after cannot be known', async (t) => {
    const { db } = await store.open(t)
    await revokeApp(db, 'before')
    const newestOfBackup = db.changes.lastSeq
    const first = await leap(db)
    for (let more = 0; more < 3; more += 1) await revokeApp(db, `after-${more}`)
    for (const seq of [0, newestOfBackup - 1, newestOfBackup, newestOfBackup + 2, newestOfBackup + 1_000_000])
      assert.equal(await listRevocationsAfter(db, 'neighbour', seq), null, `${seq}`)
    const since = await listRevocationsAfter(db, 'neighbour', first)
    assert.deepEqual(
      since?.map(({ seq, revocation }) => [seq - first, revocation.subjectId]),
      [
        [1, 'after-0'],
        [2, 'after-1'],
        [3, 'after-2'],
      ],
    )
    // Followers send it as they got it, and no more digits are taken.
    assert.match(`${first}`, /^\d{1,15}$/)
  })

  test('R9: of two restores of one backup the second begins beyond all that the first has numbered', async (t) => {
    const { db, clock } = await store.open(t)
    await leap(db)
    for (let more = 0; more < 3; more += 1) await revokeApp(db, `lost-${more}`)
    const seen = db.changes.lastSeq
    clock.advance(1)
    // The backup had none of them.
    await db.write((tx) => tx.kysely.deleteFrom('changes').execute())
    assert.ok((await leap(db)) > seen)
    assert.equal(await listRevocationsAfter(db, 'neighbour', seen), null)
  })

  test('R9: in one second, or with a clock that was set back, it still goes up', async (t) => {
    const { db, clock } = await store.open(t)
    const first = await leap(db)
    assert.equal(await leap(db), first + 1)
    clock.advance(-1000)
    assert.equal(await leap(db), first + 2)
  })

  test('R9: another process that follows drops all it holds, and then hears what is new', async (t) => {
    const { db, openAgain } = await store.open(t)
    const other = await openAgain()
    let lost = 0
    const heard: string[] = []
    other.changes.follow(
      (changes) => heard.push(...changes.map(({ subjectId }) => subjectId)),
      () => {
        lost += 1
      },
    )
    await leap(db)
    await other.changes.catchUp()
    assert.equal(lost, 1)
    await revokeApp(db, 'later')
    await other.changes.catchUp()
    assert.deepEqual([lost, heard], [1, ['app later']])
  })

  if (engine === 'sqlite')
    test('R9: who has waited at a database while another took its place does not go on with the one that is gone', async (t) => {
      const { location, open } = await store.prepare(t)
      copyFileSync(location, `${location}.new`)
      const restoring = new DatabaseSync(location)
      restoring.exec('pragma locking_mode = exclusive; pragma journal_mode = delete; begin exclusive')
      const opening = open()
      renameSync(`${location}.new`, location)
      restoring.close()
      await assert.rejects(opening, StoreRefused)
      await open()
    })
})
