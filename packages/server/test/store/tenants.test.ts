/** The storage verbs of tenants and organizations, over both engines. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { removeApi, saveApi } from '../../src/store/apis.ts'
import { StoreConflict } from '../../src/store/database.ts'
import { addDialectUses, listDialectUses } from '../../src/store/dialect-uses.ts'
import { findOrganization, removeOrganization, saveOrganization } from '../../src/store/organizations.ts'
import { removePlan, savePlan } from '../../src/store/plans.ts'
import { insertSigningKey, listSigningKeys, moveSigningKey } from '../../src/store/signing-keys.ts'
import { readTenantRows } from '../../src/store/tenant-rows.ts'
import {
  findTenantIdByHost,
  listTenantIds,
  loadTenant,
  ownedTables,
  removeTenant,
  replaceHosts,
  saveTenant,
} from '../../src/store/tenants.ts'
import { forEachStore } from './each-store.ts'
import { client, key, openWithOwn } from './own-rows.ts'

forEachStore((_, store) => {
  test('store organizations: found, saved again, and removed with all its apps', async (t) => {
    const { db, clock, assertNeighbourUntouched } = await openWithOwn(store, t)
    const organization = { id: 'acme', name: 'Acme 2', planId: null, settings: { seats: 3 }, disabledAt: 7 }
    await db.write((tx) => saveOrganization(tx, 'own', organization))
    const expected = { ...organization, blueprint: null, createdAt: clock(), updatedAt: clock() }
    assert.deepEqual(await findOrganization(db, 'own', 'acme'), expected)
    await db.write((tx) => removeOrganization(tx, 'own', 'acme'))
    assert.equal(await findOrganization(db, 'own', 'acme'), null)
    assert.equal(await client(db, 'own'), null)
    await assertNeighbourUntouched()
  })

  test('store tenants: what its dialect made of tokens is kept when that changes, the latest first', async (t) => {
    const { db, clock } = await openWithOwn(store, t)
    const claims = (name: string) => ({ dialect: { token: { claims: { [name]: '${client_id}' } } } })
    const left = async (settings: object) => {
      clock.advance(1)
      await db.write((tx) => saveTenant(tx, 'own', { name: 'Own', environment: 'test', settings }))
      const { formerDialects = [] } = (await loadTenant(db, 'own')) ?? {}
      return formerDialects.map(({ token, until }) => [JSON.stringify(token), clock() - until])
    }
    const [a, b] = ['{"claims":{"a":"${client_id}"}}', '{"claims":{"b":"${client_id}"}}']
    assert.deepEqual(await left({ token_reuse: true }), [])
    assert.deepEqual(await left(claims('a')), [['{}', 0]])
    assert.deepEqual(await left({ ...claims('a'), token_reuse: true }), [['{}', 1]])
    assert.deepEqual(await left(claims('b')), [
      [a, 0],
      ['{}', 2],
    ])
    assert.deepEqual(await left(claims('a')), [
      [b, 0],
      [a, 1],
      ['{}', 3],
    ])
    assert.deepEqual(
      (await left({})).map(([token]) => token),
      [a, b, a, '{}'],
    )
    for (let n = 0; n < 30; n += 1) await left(claims(`n${n}`))
    assert.equal((await left({})).length, 20)
  })

  test('store tenants: a tenant is loaded whole, without its retired keys', async (t) => {
    const { db, clock } = await openWithOwn(store, t)
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
        formerDialects: [],
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
        takesRegistrations: false,
      },
    )
    assert.deepEqual(await listTenantIds(db), ['neighbour', 'own'])
    assert.equal(await loadTenant(db, 'nobody'), null)
  })

  test('settled On the wire: a host answers for exactly one tenant', async (t) => {
    const { db, assertNeighbourUntouched } = await openWithOwn(store, t)
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
    const { db, assertNeighbourUntouched } = await openWithOwn(store, t)
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

  test('store tenants: each table with rows of a tenant is emptied with it, goes with another, or is meant to stay', async (t) => {
    const { db } = await openWithOwn(store, t)
    const tables = await db.kysely.introspection.getTables()
    const ofTenants = tables.filter(({ columns }) => columns.some(({ name }) => name === 'tenant_id'))
    const owned: readonly string[] = ownedTables
    const others = ofTenants.map(({ name }) => name).filter((name) => !owned.includes(name))
    // What was done stays told; the rest goes with its app or organization.
    const stays = ['audit_records', 'changes']
    const goesAlong = ['named_apps', 'registration_tokens', 'registrations']
    assert.deepEqual(others.toSorted(), [...stays, ...goesAlong].toSorted())
  })

  test('store tenants: a removed tenant leaves nothing behind', async (t) => {
    const { db, assertNeighbourUntouched } = await openWithOwn(store, t)
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
})
