/** What the tests of the storage verbs begin with; a neighbour with the same names in every table is always there. */

import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { findClient } from '../../src/store/apps.ts'
import type { Database } from '../../src/store/database.ts'
import type { NewSigningKey } from '../../src/store/signing-keys.ts'
import { readTenantRows } from '../../src/store/tenant-rows.ts'
import { type StoreSuite, saveSampleTenant } from './each-store.ts'

export const key = (kid: string): NewSigningKey => ({
  kid,
  algorithm: 'ES256',
  apiId: null,
  state: 'active',
  publicJwk: { kty: 'EC', x: kid },
  sealed: Buffer.from([0, 255, 1]),
})

export const client = async (db: Database, tenantId: string, clientId = 'client-1') =>
  findClient(db, tenantId, clientId)

/** A migrated store with a tenant `own` beside the neighbour, and a look at whether the neighbour is as it was. */
export async function openWithOwn(store: StoreSuite, t: TestContext) {
  const opened = await store.open(t)
  await saveSampleTenant(opened.db, 'own')
  const before = await readTenantRows(opened.db, 'neighbour')
  const assertNeighbourUntouched = async () =>
    assert.deepEqual(await readTenantRows(opened.db, 'neighbour'), before)
  return { ...opened, assertNeighbourUntouched }
}
