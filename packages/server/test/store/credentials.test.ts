/** What is kept of the use of credentials: exposure, last use, dialects; over both engines. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { disableCredential } from '../../src/store/credential-terms.ts'
import {
  listCredentials,
  listCredentialsOf,
  saveCredential,
  touchLastUsed,
} from '../../src/store/credentials.ts'
import { addDialectUses, listDialectUses } from '../../src/store/dialect-uses.ts'
import { exposeCredential } from '../../src/store/exposure.ts'
import { indexSecret } from '../../src/store/secret-upgrade.ts'
import { forEachStore } from './each-store.ts'
import { overtaken } from './overtaken.ts'
import { client, openWithOwn } from './own-rows.ts'

forEachStore((_, store) => {
  test('settled Secrets: the first exposure of a credential is recorded, once, and is a change', async (t) => {
    const { db, clock, assertNeighbourUntouched } = await openWithOwn(store, t)
    const flag = (tenantId: string, by: 'plain_http' | 'query_string') =>
      db.write((tx) =>
        exposeCredential(tx, {
          ...{ tenantId, clientId: 'client-1' },
          ...{ credentialId: 'first', by, isQuarantined: false },
        }),
      )
    const flaggedAt = clock()
    const before = db.changes.lastSeq
    assert.equal(await flag('own', 'plain_http'), 'flagged')
    assert.equal(db.changes.lastSeq, before + 1)
    clock.advance(5)
    assert.equal(await flag('own', 'query_string'), null)
    assert.equal(await flag('nobody', 'plain_http'), null)
    assert.equal(db.changes.lastSeq, before + 1)
    assert.equal((await client(db, 'own'))?.credentials[0]?.exposedAt, flaggedAt)
    const [listed] = await listCredentials(db, 'own', 'client-1')
    assert.equal(listed?.exposedBy, 'plain_http')
    await assertNeighbourUntouched()
  })

  test('the credentials of several apps are read at once, of this tenant alone, and of no app there are none', async (t) => {
    const { db } = await openWithOwn(store, t)
    const all = await listCredentials(db, 'own')
    assert.ok(all.length > 0)
    assert.deepEqual(await listCredentialsOf(db, 'own', ['client-1', 'client-2', 'nobody']), all)
    assert.deepEqual(await listCredentialsOf(db, 'own', ['nobody']), [])
    assert.deepEqual(await listCredentialsOf(db, 'own', []), [])
  })

  test('trust R3: of 50 parallel exposures on two nodes exactly one is the first', async (t) => {
    const { db, openAgain } = await openWithOwn(store, t)
    const other = await openAgain()
    const attempts = Array.from({ length: 50 }, (_, n) =>
      (n % 2 ? db : other).write((tx) =>
        exposeCredential(tx, {
          ...{ tenantId: 'own', clientId: 'client-1' },
          ...{ credentialId: 'first', by: 'plain_http', isQuarantined: false },
        }),
      ),
    )
    assert.equal((await Promise.all(attempts)).filter(Boolean).length, 1)
  })

  test('003-02 store: of two credentials of an app that are changed at once, token requests see both changes', async (t) => {
    const { db } = await openWithOwn(store, t)
    const verifier = Buffer.from('spare')
    const spare = { id: 'spare', format: 'hmac-sha256', verifier, pepperVersion: 1 }
    await db.write((tx) => saveCredential(tx, 'own', 'client-1', spare))
    const place = { tenantId: 'own', clientId: 'client-1', credentialId: 'spare' }
    await overtaken(
      db,
      (tx) => disableCredential(tx, 'own', 'client-1', 'first', true),
      () => db.write((tx) => indexSecret(tx, { ...place, from: spare, lookup: Buffer.from('lookup') })),
    )
    const seen = (await client(db, 'own'))?.credentials ?? []
    assert.deepEqual(
      seen.map(({ id, disabledAt, isIndexed }) => [id, disabledAt !== null, isIndexed]),
      [
        ['first', true, false],
        ['spare', false, true],
      ],
    )
  })

  test('settled Store: last use is written in batches, only forward, and is no change', async (t) => {
    const { db, assertNeighbourUntouched } = await openWithOwn(store, t)
    const use = { tenantId: 'own', clientId: 'client-1', credentialId: 'first' }
    const before = db.changes.lastSeq
    const gone = { ...use, credentialId: 'gone', lastUsedAt: 1 }
    await db.write((tx) => touchLastUsed(tx, [{ ...use, lastUsedAt: 100 }, gone]))
    await db.write((tx) => touchLastUsed(tx, [{ ...use, lastUsedAt: 50 }]))
    await db.write((tx) => touchLastUsed(tx, []))
    assert.equal((await listCredentials(db, 'own'))[0]?.lastUsedAt, 100)
    assert.equal(db.changes.lastSeq, before)
    await assertNeighbourUntouched()
  })

  test('product 1: dialect uses add up, within a batch and over batches, and are no change', async (t) => {
    const { db } = await openWithOwn(store, t)
    const use = { tenantId: 'own', clientId: 'client-1', feature: 'query_secret', uses: 2, lastUsedAt: 10 }
    const before = db.changes.lastSeq
    await db.write((tx) =>
      addDialectUses(tx, [use, { ...use, uses: 3, lastUsedAt: 9 }, { ...use, feature: 'multipart' }]),
    )
    await db.write((tx) =>
      addDialectUses(tx, [
        { ...use, lastUsedAt: 8 },
        { ...use, tenantId: 'neighbour' },
      ]),
    )
    assert.deepEqual(await listDialectUses(db, 'own'), [
      { clientId: 'client-1', feature: 'multipart', uses: 2, lastUsedAt: 10 },
      { clientId: 'client-1', feature: 'query_secret', uses: 7, lastUsedAt: 10 },
    ])
    assert.equal(db.changes.lastSeq, before)
  })
})
