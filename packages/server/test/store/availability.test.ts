/** A database that is lost and comes back: said once each, whoever asks in between, and never because of a crowd. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchDatabase } from '../../src/store/availability.ts'
import { type Database, StoreBusy, StoreUnavailable } from '../../src/store/database.ts'
import { createClock, forEachStore } from './each-store.ts'

/** What refuses, and with what; nothing else does. */
interface Trouble {
  ping?: Error
  write?: Error
  read?: Error
}

const refusing = (db: Database, trouble: Trouble): Database => ({
  ...db,
  read: (query, values) => {
    if (trouble.read) throw trouble.read
    return db.read(query, values)
  },
  ping: () => (trouble.ping ? Promise.reject(trouble.ping) : db.ping()),
  write: (work, by) => (trouble.write ? Promise.reject(trouble.write) : db.write(work, by)),
  insertUses: (uses) => (trouble.write ? Promise.reject(trouble.write) : db.insertUses(uses)),
})

function watch(db: Database, trouble: Trouble = {}) {
  const clock = createClock()
  const said: (string | number)[] = []
  let drawn = 0
  const random = (bytes: number) => {
    drawn += 1
    return new Uint8Array(bytes).fill(drawn)
  }
  const { db: watched, look } = watchDatabase({
    ...{ db: refusing(db, trouble), clock, random },
    onLost: (reason) => said.push(reason),
    onBack: (seconds) => said.push(seconds),
  })
  return { watched, look, clock, said, trouble }
}

const nothing = async () => {}
const full = new StoreUnavailable('the disk is full')
const gone = new StoreUnavailable('nobody answers')

forEachStore((_engine, suite) => {
  test(`trust R18: a disk that is full is lost once, and back when it takes a write again`, async (t) => {
    const { open } = await suite.prepare(t)
    const { watched, look, clock, said, trouble } = watch(await open(), { write: full })
    t.after(() => watched.close())
    await look()
    assert.deepEqual(said, [], 'nobody has written')
    for (let time = 0; time < 3; time += 1) await assert.rejects(watched.write(nothing), full)
    clock.advance(40)
    await assert.rejects(look(), full)
    assert.deepEqual(said, ['the disk is full'])
    await watched.ping()
    delete trouble.write
    await watched.write(nothing)
    assert.deepEqual(said, ['the disk is full'], 'one success may be chance')
    clock.advance(2)
    await look()
    await look()
    assert.deepEqual(said, ['the disk is full', 42])
  })

  test(`trust R4: a database that does not answer is noticed by whoever looks first`, async (t) => {
    const { open } = await suite.prepare(t)
    const { watched, look, said, trouble } = watch(await open(), { ping: gone })
    t.after(() => watched.close())
    await assert.rejects(look(), gone)
    await assert.rejects(watched.ping(), gone)
    delete trouble.ping
    trouble.read = gone
    await look()
    assert.throws(() => watched.read({ name: '', sqlite: '', postgres: '', parameterCount: 0 }, []), gone)
    assert.deepEqual(said, ['nobody answers', 0, 'nobody answers'])
  })

  test(`operations: too many at once, and mistakes of ours, are no lost database`, async (t) => {
    const { open } = await suite.prepare(t)
    const { watched, look, said, trouble } = watch(await open())
    t.after(() => watched.close())
    for (const error of [new StoreBusy('too many are waiting'), new TypeError('a mistake')]) {
      trouble.write = error
      await assert.rejects(watched.write(nothing), error)
      await look()
    }
    assert.deepEqual(said, [])
  })
})
