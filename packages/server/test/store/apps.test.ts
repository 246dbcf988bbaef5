/** The storage verbs of apps, over both engines. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findAppById, listApps, removeApp, saveApp } from '../../src/store/apps.ts'
import { listCredentials, removeCredential } from '../../src/store/credentials.ts'
import { StoreConflict } from '../../src/store/database.ts'
import { addDialectUses, listDialectUses } from '../../src/store/dialect-uses.ts'
import { forEachStore } from './each-store.ts'
import { client, openWithOwn } from './own-rows.ts'

forEachStore((_, store) => {
  test('store apps: an app without a credential is found, with none', async (t) => {
    const { db, assertNeighbourUntouched } = await openWithOwn(store, t)
    await db.write((tx) => removeCredential(tx, 'own', 'client-1', 'first'))
    assert.deepEqual((await client(db, 'own'))?.credentials, [])
    await assertNeighbourUntouched()
  })

  test('store apps: saving again changes the app and keeps when it was made', async (t) => {
    const { db, clock, assertNeighbourUntouched } = await openWithOwn(store, t)
    const createdAt = clock()
    clock.advance(60)
    const app = {
      clientId: 'client-1',
      id: 'renamed',
      organizationId: 'acme',
      name: 'R',
      settings: {},
      disabledAt: 9,
    }
    await db.write((tx) => saveApp(tx, 'own', app))
    assert.equal((await client(db, 'own'))?.disabledAt, 9)
    const found = await findAppById(db, 'own', 'renamed')
    assert.equal(found?.createdAt, createdAt)
    assert.equal(found?.updatedAt, clock())
    assert.equal(await findAppById(db, 'own', 'uploader'), null)
    await assertNeighbourUntouched()
  })

  test('store apps: an id that another app has, and an organization that is not there, are conflicts', async (t) => {
    const { db } = await openWithOwn(store, t)
    const app = { clientId: 'client-2', id: 'uploader', organizationId: 'acme', name: 'X', settings: {} }
    await assert.rejects(
      db.write((tx) => saveApp(tx, 'own', app)),
      StoreConflict,
    )
    const orphan = { ...app, id: 'other', organizationId: 'nobody' }
    await assert.rejects(
      db.write((tx) => saveApp(tx, 'own', orphan)),
      StoreConflict,
    )
    assert.equal(await client(db, 'own', 'client-2'), null)
  })

  test('store apps: a list goes in the order of the bytes, page by page', async (t) => {
    const { db } = await openWithOwn(store, t)
    for (const clientId of ['b', 'B', 'a_', 'a-', 'é']) {
      const app = { clientId, id: clientId, organizationId: 'acme', name: clientId, settings: {} }
      await db.write((tx) => saveApp(tx, 'own', app))
    }
    const ids = (await listApps(db, 'own')).map(({ clientId }) => clientId)
    assert.deepEqual(ids, ['B', 'a-', 'a_', 'b', 'client-1', 'é'])
    const page = await listApps(db, 'own', { after: 'a-', limit: 2 })
    assert.deepEqual(
      page.map(({ clientId }) => clientId),
      ['a_', 'b'],
    )
  })

  test('store apps: removing an app takes its credentials and counters with it', async (t) => {
    const { db, assertNeighbourUntouched } = await openWithOwn(store, t)
    await db.write((tx) =>
      addDialectUses(tx, [{ tenantId: 'own', clientId: 'client-1', feature: 'f', uses: 1, lastUsedAt: 1 }]),
    )
    await db.write((tx) => removeApp(tx, 'own', 'client-1'))
    assert.equal(await client(db, 'own'), null)
    assert.deepEqual(await listCredentials(db, 'own'), [])
    assert.deepEqual(await listDialectUses(db, 'own'), [])
    await assertNeighbourUntouched()
  })
})
