/** The storage verbs for many apps and credentials leave what those for one leave, over both engines. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addApps, type NewApp, saveApp } from '../../src/store/apps.ts'
import { addCredential } from '../../src/store/credential-terms.ts'
import { addCredentials, type NewAppCredential } from '../../src/store/credentials.ts'
import { type Database, StoreConflict, type WriteTransaction } from '../../src/store/database.ts'
import { forEachStore } from './each-store.ts'
import { client, openWithOwn } from './own-rows.ts'

/** More than one statement takes. */
const count = 501

const newApp = (index: number): NewApp => ({
  ...{ clientId: `new-${index}`, id: `app-${index}`, organizationId: 'acme', name: `App ${index}` },
  settings: index % 50 === 0 ? { token_exchange: { subjects: [`app-${index + 1}`, 'uploader'] } } : { index },
  blueprint: index % 2 === 0 ? 'own' : null,
  ...(index % 100 === 0 && { disabledAt: 9 }),
})

const newCredential = (index: number, id: string): NewAppCredential => ({
  ...{ clientId: `new-${index}`, id, format: 'hmac-sha256', verifier: Buffer.from(`${index} ${id}`) },
  ...{ pepperVersion: 1, expiresAt: index % 3 === 0 ? 1_900_000_000 : null, blueprint: 'own' },
  sealedSecret: index % 5 === 0 ? Buffer.from([0, 255, 1]) : null,
  disabledAt: index % 7 === 0 ? 9 : null,
  ...(index % 4 === 0 && { lookup: Buffer.from(`lookup ${index} ${id}`) }),
})

const indexes = Array.from({ length: count }, (_, index) => index)
const apps = indexes.map(newApp)
// The ids the other way round: the copy in the app's row has its own order. The last app has none.
const credentials = indexes
  .slice(0, -1)
  .flatMap((index) =>
    (index % 10 === 0 ? ['second', 'first'] : ['first']).map((id) => newCredential(index, id)),
  )

async function addEach(tx: WriteTransaction): Promise<void> {
  for (const app of apps) await saveApp(tx, 'own', app)
  for (const { clientId, ...credential } of credentials) await addCredential(tx, 'own', clientId, credential)
}

async function addAll(tx: WriteTransaction): Promise<void> {
  await addApps(tx, 'own', apps)
  await addCredentials(tx, 'own', credentials)
}

/** All that there is, byte by byte. */
const everything = async ({ kysely }: Database) => ({
  apps: await kysely.selectFrom('apps').selectAll().orderBy('tenant_id').orderBy('client_id').execute(),
  credentials: await kysely
    .selectFrom('credentials')
    .selectAll()
    .orderBy('tenant_id')
    .orderBy('client_id')
    .orderBy('id')
    .execute(),
  names: await kysely.selectFrom('named_apps').selectAll().orderBy('client_id').orderBy('app_id').execute(),
  revocations: await kysely.selectFrom('revocations').selectAll().orderBy('subject_id').execute(),
  changes: await kysely.selectFrom('changes').selectAll().orderBy('seq').execute(),
  records: await kysely.selectFrom('audit_records').selectAll().orderBy('number').execute(),
})

forEachStore((engine, store) => {
  test(`${engine}: many at once leave the rows, changes and audit records that they leave one by one`, async (t) => {
    const [one, other] = [await openWithOwn(store, t), await openWithOwn(store, t)]
    await one.db.write(addEach)
    await other.db.write(addAll)
    const [expected, found] = [await everything(one.db), await everything(other.db)]
    assert.equal(expected.apps.length, count + 2)
    assert.ok(expected.names.length > 0 && expected.revocations.length > 0)
    for (const table of Object.keys(expected) as (keyof typeof expected)[])
      assert.deepEqual(found[table], expected[table], table)
  })

  test(`${engine}: no app and no credential at once are nothing`, async (t) => {
    const { db } = await openWithOwn(store, t)
    const before = await everything(db)
    await db.write(async (tx) => {
      await addApps(tx, 'own', [])
      await addCredentials(tx, 'own', [])
    })
    assert.deepEqual(await everything(db), before)
  })

  test(`${engine}: of many at once, one in conflict leaves none, and is refused in the words for one`, async (t) => {
    const { db } = await openWithOwn(store, t)
    const before = await everything(db)
    const refusal = async (write: (tx: WriteTransaction) => Promise<unknown>): Promise<string> => {
      const error = await db.write(write).catch((reason: unknown) => reason)
      assert.ok(error instanceof StoreConflict)
      return error.message
    }
    const wrongApps = [
      { ...newApp(1), id: 'uploader' },
      { ...newApp(1), organizationId: 'nobody' },
    ]
    for (const wrong of wrongApps)
      assert.equal(
        await refusal((tx) => addApps(tx, 'own', [newApp(2), wrong, newApp(3)])),
        await refusal((tx) => saveApp(tx, 'own', wrong)),
      )
    const wrongCredentials = [
      newCredential(9, 'of-no-app'),
      { ...newCredential(9, 'first'), clientId: 'client-1' },
    ]
    for (const wrong of wrongCredentials)
      assert.equal(
        await refusal((tx) =>
          addCredentials(tx, 'own', [{ ...newCredential(1, 'fine'), clientId: 'client-1' }, wrong]),
        ),
        await refusal((tx) => addCredential(tx, 'own', wrong.clientId, wrong)),
      )
    assert.deepEqual(await everything(db), before)
  })

  test(`${engine}: a new app never takes the place of one that has its client id`, async (t) => {
    const { db } = await openWithOwn(store, t)
    const before = await client(db, 'own')
    await assert.rejects(
      db.write((tx) => addApps(tx, 'own', [{ ...newApp(1), clientId: 'client-1' }])),
      StoreConflict,
    )
    assert.deepEqual(await client(db, 'own'), before)
  })
})
