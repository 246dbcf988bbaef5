/** The storage verbs over both engines; a neighbour with the same names in every table is always there. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findAppById, findClient, listApps, removeApp, saveApp } from '../../src/store/apps.ts'
import { readBlueprintRows } from '../../src/store/blueprint-rows.ts'
import {
  listCredentials,
  removeCredential,
  saveCredential,
  touchLastUsed,
} from '../../src/store/credentials.ts'
import { type Database, StoreConflict } from '../../src/store/database.ts'
import { addDialectUses, listDialectUses } from '../../src/store/dialect-uses.ts'
import { exposeCredential } from '../../src/store/exposure.ts'
import { findOrganization, removeOrganization, saveOrganization } from '../../src/store/organizations.ts'
import { insertPepper, listPeppers } from '../../src/store/peppers.ts'
import {
  insertSigningKey,
  listSigningKeys,
  moveSigningKey,
  type NewSigningKey,
} from '../../src/store/signing-keys.ts'
import { readTenantRows } from '../../src/store/tenant-rows.ts'
import {
  findTenantIdByHost,
  listTenantIds,
  loadTenant,
  removeApi,
  removePlan,
  removeTenant,
  replaceHosts,
  saveApi,
  savePlan,
  saveTenant,
} from '../../src/store/tenants.ts'
import { forEachStore, saveSampleTenant } from './each-store.ts'

const key = (kid: string): NewSigningKey => ({
  kid,
  algorithm: 'ES256',
  apiId: null,
  state: 'active',
  publicJwk: { kty: 'EC', x: kid },
  sealed: Buffer.from([0, 255, 1]),
})

const client = async (db: Database, tenantId: string, clientId = 'client-1') =>
  findClient(db, tenantId, clientId)

forEachStore((_, store) => {
  const openWithOwn = async (t: Parameters<typeof store.open>[0]) => {
    const opened = await store.open(t)
    await saveSampleTenant(opened.db, 'own')
    const before = await readTenantRows(opened.db, 'neighbour')
    const assertNeighbourUntouched = async () =>
      assert.deepEqual(await readTenantRows(opened.db, 'neighbour'), before)
    return { ...opened, assertNeighbourUntouched }
  }

  test('003-02 store: what a token request reads of a credential follows every change of it', async (t) => {
    const { db, clock } = await openWithOwn(t)
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
    const { db } = await openWithOwn(t)
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

  test('RFC 7591 §2 store: a sealed secret goes with its verifier, and a row without one is no longer for it', async (t) => {
    const { db, assertNeighbourUntouched } = await openWithOwn(t)
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

  test('store apps: an app without a credential is found, with none', async (t) => {
    const { db, assertNeighbourUntouched } = await openWithOwn(t)
    await db.write((tx) => removeCredential(tx, 'own', 'client-1', 'first'))
    assert.deepEqual((await client(db, 'own'))?.credentials, [])
    await assertNeighbourUntouched()
  })

  test('store apps: saving again changes the app and keeps when it was made', async (t) => {
    const { db, clock, assertNeighbourUntouched } = await openWithOwn(t)
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
    const { db } = await openWithOwn(t)
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
    const { db } = await openWithOwn(t)
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
    const { db, assertNeighbourUntouched } = await openWithOwn(t)
    await db.write((tx) =>
      addDialectUses(tx, [{ tenantId: 'own', clientId: 'client-1', feature: 'f', uses: 1, lastUsedAt: 1 }]),
    )
    await db.write((tx) => removeApp(tx, 'own', 'client-1'))
    assert.equal(await client(db, 'own'), null)
    assert.deepEqual(await listCredentials(db, 'own'), [])
    assert.deepEqual(await listDialectUses(db, 'own'), [])
    await assertNeighbourUntouched()
  })

  test('store organizations: found, saved again, and removed with all its apps', async (t) => {
    const { db, clock, assertNeighbourUntouched } = await openWithOwn(t)
    const organization = { id: 'acme', name: 'Acme 2', planId: null, settings: { seats: 3 }, disabledAt: 7 }
    await db.write((tx) => saveOrganization(tx, 'own', organization))
    const expected = { ...organization, blueprint: null, createdAt: clock(), updatedAt: clock() }
    assert.deepEqual(await findOrganization(db, 'own', 'acme'), expected)
    await db.write((tx) => removeOrganization(tx, 'own', 'acme'))
    assert.equal(await findOrganization(db, 'own', 'acme'), null)
    assert.equal(await client(db, 'own'), null)
    await assertNeighbourUntouched()
  })

  test('store tenants: a tenant is loaded whole, without its retired keys', async (t) => {
    const { db, clock } = await openWithOwn(t)
    await db.write(async (tx) => {
      await insertSigningKey(tx, 'own', key('old'))
      await moveSigningKey(tx, 'own', 'old', 'active', 'retired')
      await insertSigningKey(tx, 'own', key('new'))
      await insertSigningKey(tx, 'neighbour', key('theirs'))
    })
    const loaded = await loadTenant(db, 'own')
    assert.deepEqual(
      loaded && {
        ...loaded,
        signingKeys: loaded.signingKeys.map((one) => ({ ...one, sealed: [...one.sealed] })),
      },
      {
        id: 'own',
        name: 'The own',
        environment: 'test',
        settings: { of: 'own' },
        disabledAt: null,
        blueprint: null,
        createdAt: clock(),
        updatedAt: clock(),
        hosts: ['own.localhost'],
        apis: [
          { id: 'storage', audience: 'https://storage.example', settings: { of: 'own' }, blueprint: null },
        ],
        plans: [{ id: 'free', settings: { of: 'own' }, blueprint: null }],
        signingKeys: [
          {
            ...key('new'),
            sealed: [0, 255, 1],
            longestTokenSeconds: 0,
            createdAt: clock(),
            updatedAt: clock(),
          },
        ],
      },
    )
    assert.deepEqual(await listTenantIds(db), ['neighbour', 'own'])
    assert.equal(await loadTenant(db, 'nobody'), null)
  })

  test('settled On the wire: a host answers for exactly one tenant', async (t) => {
    const { db, assertNeighbourUntouched } = await openWithOwn(t)
    assert.equal(await findTenantIdByHost(db, 'own.localhost'), 'own')
    await db.write((tx) => replaceHosts(tx, 'own', ['b.example', 'a.example', 'a.example']))
    assert.equal(await findTenantIdByHost(db, 'own.localhost'), null)
    assert.deepEqual((await loadTenant(db, 'own'))?.hosts, ['a.example', 'b.example'])
    const stealing = db.write((tx) => replaceHosts(tx, 'own', ['neighbour.localhost']))
    await assert.rejects(stealing, StoreConflict)
    assert.deepEqual((await loadTenant(db, 'own'))?.hosts, ['a.example', 'b.example'])
    await assertNeighbourUntouched()
  })

  test('store tenants: APIs and plans are changed and removed one by one', async (t) => {
    const { db, assertNeighbourUntouched } = await openWithOwn(t)
    const api = { id: 'storage', audience: 'other', settings: { changed: true }, blueprint: 'b' }
    await db.write(async (tx) => {
      await saveTenant(tx, 'own', { name: 'N', environment: 'live', settings: {}, disabledAt: 4 })
      await saveApi(tx, 'own', api)
      await savePlan(tx, 'own', { id: 'paid', settings: {} })
    })
    const changed = await loadTenant(db, 'own')
    assert.deepEqual(changed?.apis, [api])
    assert.equal(changed?.environment, 'live')
    assert.deepEqual(
      changed?.plans.map(({ id }) => id),
      ['free', 'paid'],
    )
    const twin = { ...api, id: 'twin' }
    await assert.rejects(
      db.write((tx) => saveApi(tx, 'own', twin)),
      StoreConflict,
    )
    await assert.rejects(
      db.write((tx) => removePlan(tx, 'own', 'free')),
      StoreConflict,
      'acme subscribes to it',
    )
    await db.write((tx) => removePlan(tx, 'own', 'paid'))
    await db.write((tx) => removeApi(tx, 'own', 'storage'))
    assert.deepEqual((await loadTenant(db, 'own'))?.apis, [])
    await assertNeighbourUntouched()
  })

  test('store tenants: a removed tenant leaves nothing behind', async (t) => {
    const { db, assertNeighbourUntouched } = await openWithOwn(t)
    await db.write(async (tx) => {
      await insertSigningKey(tx, 'own', key('k'))
      await addDialectUses(tx, [
        { tenantId: 'own', clientId: 'client-1', feature: 'f', uses: 1, lastUsedAt: 1 },
      ])
    })
    await db.write((tx) => removeTenant(tx, 'own'))
    assert.equal(await readTenantRows(db, 'own'), null)
    assert.equal(await client(db, 'own'), null)
    assert.deepEqual(await listSigningKeys(db, 'own'), [])
    assert.deepEqual(await listDialectUses(db, 'own'), [])
    assert.equal(await findTenantIdByHost(db, 'own.localhost'), null)
    await assertNeighbourUntouched()
  })

  test('settled Secrets: the first exposure of a credential is recorded, once, and is a change', async (t) => {
    const { db, clock, assertNeighbourUntouched } = await openWithOwn(t)
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

  test('trust R3: of 50 parallel exposures on two nodes exactly one is the first', async (t) => {
    const { db, openAgain } = await openWithOwn(t)
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

  test('settled Store: last use is written in batches, only forward, and is no change', async (t) => {
    const { db, assertNeighbourUntouched } = await openWithOwn(t)
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
    const { db } = await openWithOwn(t)
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

  test('trust R3: of 50 nodes that start at once one makes the signing key, and all see it', async (t) => {
    const { db, openAgain } = await openWithOwn(t)
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
    const { db } = await openWithOwn(t)
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

  test('store blueprints: the rows of a tenant are read as one moment, also inside a transaction', async (t) => {
    const { db } = await openWithOwn(t)
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
    const { db } = await openWithOwn(t)
    await db.write(async (tx) => {
      await removeApp(tx, 'own', 'client-1')
      assert.notEqual(await client(db, 'own'), null)
      assert.equal((await listApps(db, 'own')).length, 1)
    })
    assert.equal(await client(db, 'own'), null)
  })
})
