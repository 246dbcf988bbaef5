/** The storage verbs of signing keys and peppers, over both engines. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreConflict } from '../../src/store/database.ts'
import { insertPepper, listPeppers } from '../../src/store/peppers.ts'
import {
  insertSigningKey,
  listSigningKeys,
  moveSigningKey,
  type NewSigningKey,
} from '../../src/store/signing-keys.ts'
import { forEachStore } from './each-store.ts'
import { key, openWithOwn } from './own-rows.ts'

forEachStore((_, store) => {
  test('trust R3: of 50 nodes that start at once one makes the signing key, and all see it', async (t) => {
    const { db, openAgain } = await openWithOwn(store, t)
    const other = await openAgain()
    const attempts = Array.from({ length: 50 }, (_, n) =>
      (n % 2 ? db : other).write((tx) => insertSigningKey(tx, 'own', key(`kid-${n}`))),
    )
    const won = (await Promise.all(attempts)).flatMap((isWinner, n) => (isWinner ? [`kid-${n}`] : []))
    const kids = (await listSigningKeys(db, 'own')).map(({ kid }) => kid)
    assert.equal(won.length, 1)
    assert.deepEqual(kids, won)
    assert.deepEqual(await listSigningKeys(db, 'neighbour'), [])
  })

  test('product 9: one active and one next key for each algorithm and API, and a rotation in two steps', async (t) => {
    const { db } = await openWithOwn(store, t)
    const insert = (one: NewSigningKey) => db.write((tx) => insertSigningKey(tx, 'own', one))
    assert.equal(await insert(key('a')), true)
    assert.equal(await insert({ ...key('b'), state: 'next' }), true)
    assert.equal(await insert({ ...key('c'), state: 'next' }), false)
    assert.equal(await insert({ ...key('d'), algorithm: 'HS512', apiId: 'storage', publicJwk: null }), true)
    assert.equal(await insert({ ...key('e'), algorithm: 'HS512', apiId: 'storage', publicJwk: null }), false)
    assert.equal(await insert({ ...key('f'), algorithm: 'HS512', apiId: 'other', publicJwk: null }), true)
    const tooEarly = db.write((tx) => moveSigningKey(tx, 'own', 'b', 'next', 'active'))
    await assert.rejects(tooEarly, StoreConflict)
    const rotated = await db.write(async (tx) => [
      await moveSigningKey(tx, 'own', 'a', 'active', 'retiring'),
      await moveSigningKey(tx, 'own', 'b', 'next', 'active'),
      await moveSigningKey(tx, 'neighbour', 'b', 'active', 'retired'),
    ])
    assert.deepEqual(rotated, [true, true, false])
    const states = (await listSigningKeys(db, 'own')).map(({ kid, state }) => `${kid} ${state}`)
    assert.deepEqual(states.toSorted(), ['a retiring', 'b active', 'd active', 'f active'])
  })

  test('trust R3: of 50 nodes that start at once one makes the pepper', async (t) => {
    const { db, openAgain } = await store.open(t)
    const other = await openAgain()
    const attempts = Array.from({ length: 50 }, (_, n) =>
      (n % 2 ? db : other).write((tx) => insertPepper(tx, { version: 1, sealed: Buffer.from([n]) })),
    )
    const winner = (await Promise.all(attempts)).indexOf(true)
    const peppers = await listPeppers(db)
    assert.deepEqual(
      peppers.map(({ version, sealed }) => [version, [...sealed]]),
      [[1, [winner]]],
    )
  })
})
