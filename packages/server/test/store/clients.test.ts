/** A client as a token request reads it, over both engines. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBlueprintRows } from '../../src/store/blueprint-rows.ts'
import { removeCredential, saveCredential } from '../../src/store/credentials.ts'
import { exposeCredential } from '../../src/store/exposure.ts'
import { findOrganization } from '../../src/store/organizations.ts'
import { findTenantIdByHost } from '../../src/store/tenants.ts'
import { forEachStore } from './each-store.ts'
import { client, openWithOwn } from './own-rows.ts'

forEachStore((_, store) => {
  test('003-02 store: what a token request reads of a credential follows every change of it', async (t) => {
    const { db, clock } = await openWithOwn(store, t)
    const credential = { id: 'second', format: 'sha256', verifier: Buffer.from([7]), pepperVersion: null }
    const facts = async () => {
      const found = await client(db, 'own')
      return found?.credentials.map(({ id, expiresAt, exposedAt }) => ({ id, expiresAt, exposedAt }))
    }
    const first = { id: 'first', expiresAt: null, exposedAt: null }
    await db.write((tx) => saveCredential(tx, 'own', 'client-1', credential))
    assert.deepEqual(await facts(), [first, { id: 'second', expiresAt: null, exposedAt: null }])
    await db.write((tx) => saveCredential(tx, 'own', 'client-1', { ...credential, expiresAt: 9 }))
    await db.write((tx) =>
      exposeCredential(tx, {
        ...{ tenantId: 'own', clientId: 'client-1' },
        ...{ credentialId: 'second', by: 'plain_http', isQuarantined: false },
      }),
    )
    assert.deepEqual(await facts(), [first, { id: 'second', expiresAt: 9, exposedAt: clock() }])
    await db.write((tx) => removeCredential(tx, 'own', 'client-1', 'second'))
    assert.deepEqual(await facts(), [first])
    await db.write((tx) => removeCredential(tx, 'own', 'client-1', 'first'))
    assert.deepEqual(await facts(), [])
    assert.equal((await client(db, 'neighbour'))?.credentials.length, 1)
  })

  test('000-06 store: a client is found with its credentials, and only under its own tenant', async (t) => {
    const { db } = await openWithOwn(store, t)
    await db.write((tx) =>
      saveCredential(tx, 'own', 'client-1', {
        id: 'second',
        format: 'sha256',
        verifier: Buffer.from([0, 1, 255]),
        pepperVersion: null,
        sealedSecret: Buffer.from([9, 0, 255]),
        expiresAt: 5,
        disabledAt: 6,
      }),
    )
    const found = await client(db, 'own')
    const { credentialsText, ...facts } = found ?? assert.fail('not found')
    assert.ok(credentialsText.includes('"second"'))
    assert.deepEqual(
      {
        ...facts,
        credentials: facts.credentials.map((one) => ({
          ...one,
          verifier: [...one.verifier],
          sealedSecret: one.sealedSecret && [...one.sealedSecret],
        })),
      },
      {
        clientId: 'client-1',
        id: 'uploader',
        organizationId: 'acme',
        name: 'Uploader at own',
        settings: '{"of":"own"}',
        disabledAt: null,
        credentials: [
          {
            id: 'first',
            format: 'hmac-sha256',
            verifier: [...Buffer.from('verifier of own')],
            pepperVersion: 1,
            sealedSecret: null,
            expiresAt: null,
            disabledAt: null,
            exposedAt: null,
            isIndexed: false,
          },
          {
            id: 'second',
            format: 'sha256',
            verifier: [0, 1, 255],
            pepperVersion: null,
            sealedSecret: [9, 0, 255],
            expiresAt: 5,
            disabledAt: 6,
            exposedAt: null,
            isIndexed: false,
          },
        ],
      },
    )
    assert.equal(await client(db, 'nobody'), null)
    assert.equal((await client(db, 'neighbour'))?.name, 'Uploader at neighbour')
  })

  test('trust R22: a client that stays in memory keeps its own bytes there, and not a buffer that it shares with others', async (t) => {
    const { db } = await openWithOwn(store, t)
    const sealedSecret = Buffer.alloc(60, 1)
    const more = { id: 'second', format: 'hmac-sha256', verifier: Buffer.alloc(32, 2), pepperVersion: 1 }
    await db.write((tx) => saveCredential(tx, 'own', 'client-1', { ...more, sealedSecret }))
    const found = (await client(db, 'own')) ?? assert.fail('not found')
    const kept = found.credentials.flatMap(({ verifier, sealedSecret }) =>
      [verifier, sealedSecret ?? []].flat(),
    )
    assert.equal(kept.length, 3)
    for (const { buffer, byteLength } of kept) assert.equal(buffer.byteLength, byteLength)
  })

  test('RFC 7591 §2 store: a sealed secret goes with its verifier, and a row without one is no longer for it', async (t) => {
    const { db, assertNeighbourUntouched } = await openWithOwn(store, t)
    const secret = { id: 'first', format: 'hmac-sha256', verifier: Buffer.from([1]), pepperVersion: 1 }
    const packed = async () =>
      (
        await db.kysely
          .selectFrom('apps')
          .select('credentials')
          .where('tenant_id', '=', 'own')
          .executeTakeFirstOrThrow()
      ).credentials
    const sealedOfBlueprint = async () => {
      const query = { blueprints: ['none'], tenantIds: ['own'], hosts: [] }
      const [tenant] = (await readBlueprintRows(db, query)).tenants
      return tenant?.verifiers.map(({ sealedSecret }) => sealedSecret && [...sealedSecret])
    }
    await db.write((tx) => saveCredential(tx, 'own', 'client-1', secret))
    assert.equal(await packed(), '[["first","hmac-sha256","AQ",1,null,null,null]]')
    assert.deepEqual(await sealedOfBlueprint(), [null])
    await db.write((tx) =>
      saveCredential(tx, 'own', 'client-1', { ...secret, sealedSecret: Buffer.from([2]) }),
    )
    assert.equal(await packed(), '[["first","hmac-sha256","AQ",1,null,null,null,"Ag"]]')
    assert.deepEqual(await sealedOfBlueprint(), [[2]])
    await db.write((tx) =>
      exposeCredential(tx, {
        ...{ tenantId: 'own', clientId: 'client-1' },
        ...{ credentialId: 'first', by: 'plain_http', isQuarantined: false },
      }),
    )
    assert.deepEqual(await sealedOfBlueprint(), [[2]])
    await db.write((tx) => saveCredential(tx, 'own', 'client-1', secret))
    assert.deepEqual(await sealedOfBlueprint(), [null])
    await assertNeighbourUntouched()
  })

  test('trust 11-13 store: names that no row can have are not found, and are no error', async (t) => {
    const { db } = await store.open(t)
    for (const name of [
      '',
      'client-1\u0000',
      '\u0000',
      '\ud800',
      'CLIENT-1',
      "client-1' or '1'='1",
      'é'.repeat(5000),
    ]) {
      assert.equal(await client(db, 'neighbour', name), null)
      assert.equal(await findOrganization(db, 'neighbour', name), null)
      assert.equal(await findTenantIdByHost(db, name), null)
    }
  })
})
