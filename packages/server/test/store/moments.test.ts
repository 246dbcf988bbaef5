/** Reads that see one moment, and nothing that is not committed; over both engines. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listApps, removeApp } from '../../src/store/apps.ts'
import { readTenantRows } from '../../src/store/tenant-rows.ts'
import { forEachStore } from './each-store.ts'
import { client, openWithOwn } from './own-rows.ts'

forEachStore((_, store) => {
  test('store blueprints: the rows of a tenant are read as one moment, also inside a transaction', async (t) => {
    const { db } = await openWithOwn(store, t)
    const rows = await readTenantRows(db, 'own')
    assert.deepEqual(rows?.hosts, ['own.localhost'])
    assert.deepEqual(
      rows?.apps.map(({ id }) => id),
      ['uploader'],
    )
    assert.deepEqual(rows?.organizations[0]?.settings, { of: 'own' })
    assert.equal(rows?.credentials[0]?.pepperVersion, 1)
    assert.ok(!JSON.stringify(rows).includes('verifier'))
    const inside = await db.write(async (tx) => {
      await removeApp(tx, 'own', 'client-1')
      return readTenantRows(tx, 'own')
    })
    assert.deepEqual(inside?.apps, [])
  })

  test('product 2: reads outside never see what a transaction has not committed', async (t) => {
    const { db } = await openWithOwn(store, t)
    await db.write(async (tx) => {
      await removeApp(tx, 'own', 'client-1')
      assert.notEqual(await client(db, 'own'), null)
      assert.equal((await listApps(db, 'own')).length, 1)
    })
    assert.equal(await client(db, 'own'), null)
  })
})
