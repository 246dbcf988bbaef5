/** Blueprints against a real store: plans, idempotence, ownership, pruning. On both engines, beside a neighbour's rows. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'

import { test } from 'node:test'
import { applyPlan } from '../../src/blueprint/apply.ts'
import { PlanOutdated } from '../../src/blueprint/plan.ts'
import { saveApi } from '../../src/store/apis.ts'
import { findAppById, saveApp } from '../../src/store/apps.ts'
import { saveCredential } from '../../src/store/credentials.ts'
import type { Database } from '../../src/store/database.ts'
import { readTenantRows } from '../../src/store/tenant-rows.ts'
import { findTenantIdByHost, loadTenant, removeTenant, saveTenant } from '../../src/store/tenants.ts'
import { forEachStore } from '../store/each-store.ts'
import {
  applied,
  changed,
  createBench,
  planOf,
  planRefusals,
  sample,
  saveByHand,
  syncClient,
} from './sample.ts'

const nothing = ['Nothing to do: the store is as the blueprints say.']

forEachStore((engine, store) => {
  test(`${engine}: a new blueprint is a plan of + lines, and applying it makes exactly those rows`, async (t) => {
    const { db } = await store.open(t)
    const { lines, generated } = await applied(await createBench(db), [sample])
    assert.deepEqual(lines, [
      '+ tenant shop',
      '+ api shop/rest',
      '+ plan shop/free',
      '+ organization shop/acme',
      '+ app shop/acme/sync',
      '+ credential shop/acme/sync/main (generated)',
    ])
    assert.equal(generated.length, 1)
    const tenant = await loadTenant(db, 'shop')
    assert.deepEqual(tenant?.hosts, ['auth.shop.example'])
    assert.deepEqual(tenant?.settings, { token_reuse: false })
    assert.equal(tenant?.blueprint, 'shop')
    assert.deepEqual(JSON.parse((await syncClient(db)).settings), {
      scopes: { rest: ['orders/read', 'storage:read'] },
    })
  })

  test(`${engine}: applying twice changes nothing, generates nothing and appends no change`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    await applied(bench, [sample])
    const [before, sequence] = [await readTenantRows(db, 'shop'), db.changes.lastSeq]
    assert.deepEqual(await applied(bench, [sample]), { lines: nothing, generated: [] })
    assert.deepEqual(await readTenantRows(db, 'shop'), before)
    assert.equal(db.changes.lastSeq, sequence)
  })

  test(`${engine}: the order and layout of the file do not count, but the order of claims does`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const withClaims = (claims: string) =>
      changed('token_reuse: false', `token_reuse: false\n    dialect: {token: {claims: {${claims}}}}`)
    const [sub, iat] = ['sub: "${client_id}"', 'iat: "${iat}"']
    await applied(bench, [withClaims(`${sub}, ${iat}`)])
    const moved = changed('    token_reuse: false\n', '', withClaims(`${sub}, ${iat}`)).replace(
      '    apis:',
      '    token_reuse: false # moved\n    apis:',
    )
    assert.deepEqual((await applied(bench, [moved])).lines, nothing)
    assert.deepEqual((await applied(bench, [withClaims(`${iat}, ${sub}`)])).lines, [
      '~ tenant shop (order of members in dialect.token.claims)',
    ])
  })

  test(`${engine}: hosts are a set, whatever order they are written in`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const withHosts = (hosts: string) => changed('[auth.shop.example]', hosts)
    await applied(bench, [withHosts('[b.shop.example, a.shop.example]')])
    for (const hosts of ['[b.shop.example, a.shop.example]', '[a.shop.example, b.shop.example]']) {
      assert.deepEqual((await applied(bench, [withHosts(hosts)])).lines, nothing)
    }
  })

  test(`${engine}: a change is a ~ line that says from what to what`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    await applied(bench, [sample])
    const more = changed('token_reuse: false', 'token_reuse: true\n    access_token_seconds: 300')
    const { lines } = await applied(bench, [changed('name: Sync', 'name: Synchronizer', more)])
    assert.deepEqual(lines, [
      '~ tenant shop (access_token_seconds: not set → 300, token_reuse: false → true)',
      '~ app shop/acme/sync (name: "Sync" → "Synchronizer")',
    ])
    assert.deepEqual(
      (await applied(bench, [changed('name: Sync', 'name: Synchronizer', more)])).lines,
      nothing,
    )
    assert.equal((await syncClient(db)).name, 'Synchronizer')
  })

  test(`${engine}: what was disabled beside the blueprint stays disabled when it is applied`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    await applied(bench, [sample])
    const client = await syncClient(db)
    const { settings, ...app } = client
    await db.write((tx) =>
      saveApp(tx, 'shop', { ...app, settings: JSON.parse(settings), blueprint: 'shop', disabledAt: 5 }),
    )
    await applied(bench, [changed('name: Sync', 'name: Synchronizer')])
    assert.equal((await syncClient(db)).disabledAt, 5)
  })

  test(`${engine}: without --prune the plan says what is left; with it, exactly that goes`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    await applied(bench, [sample])
    const fewer = sample.slice(0, sample.indexOf('        apps:'))
    assert.deepEqual((await applied(bench, [fewer])).lines, [
      ...nothing,
      '  app shop/acme/sync is no longer in blueprint shop: --prune removes it',
      '  credential shop/acme/sync/main is no longer in blueprint shop: --prune removes it',
    ])
    assert.ok(await findAppById(db, 'shop', 'sync'))
    assert.deepEqual((await applied(bench, [fewer], true)).lines, [
      '- app shop/acme/sync',
      '- credential shop/acme/sync/main (secret)',
    ])
    assert.equal(await findAppById(db, 'shop', 'sync'), null)
    assert.ok(await readTenantRows(db, 'neighbour'))
    assert.deepEqual((await applied(bench, [fewer], true)).lines, nothing)
  })

  test(`${engine}: pruning follows plans, APIs and whole tenants too`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    await applied(bench, [sample])
    const bare = changed(
      '        plan: free\n',
      '',
      changed('    plans:\n      - id: free\n        price: free\n', ''),
    )
    assert.deepEqual((await applied(bench, [bare], true)).lines, [
      '~ organization shop/acme (plan: "free" → not set)',
      '- plan shop/free',
    ])
    assert.deepEqual((await applied(bench, [bare], true)).lines, nothing)
    const { lines } = await applied(bench, ['blueprint: shop\ntenants: []\n'], true)
    assert.deepEqual(lines.slice(0, 2), ['- tenant shop', '- api shop/rest'])
    assert.equal(await loadTenant(db, 'shop'), null)
    assert.ok(await loadTenant(db, 'neighbour'))
  })

  test(`${engine}: a tenant under a new id takes over the hosts of the old one when that is pruned`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    await applied(bench, [sample])
    const renamed = changed('  - id: shop\n', '  - id: store\n')
    assert.deepEqual(await planRefusals(bench, [renamed]), [
      'folder/a.yaml:6:5 tenants[0].hosts: found auth.shop.example, which is a host of tenant shop, expected a host that is free',
    ])
    await applied(bench, [renamed], true)
    assert.equal(await loadTenant(db, 'shop'), null)
    assert.deepEqual((await loadTenant(db, 'store'))?.hosts, ['auth.shop.example'])
  })

  test(`${engine}: pruning never takes along what somebody else made`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    await applied(bench, [sample])
    await saveByHand(db)
    const emptied = sample.slice(0, sample.indexOf('    organizations:'))
    assert.deepEqual(await planRefusals(bench, [emptied], true), [
      'folder/a.yaml:2:1 tenants: found organization shop/acme no longer declared, while app shop/acme/byhand needs it, expected it to stay, or the other to go first',
    ])
    assert.equal((await planRefusals(bench, ['blueprint: shop\ntenants: []\n'], true)).length, 2)
  })

  test(`${engine}: a dialect that puts inside text what an app left in the store cannot give is refused`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const withList = changed(
      '            credentials:',
      '            attributes: {tags: [a]}\n            credentials:',
    )
    await applied(bench, [withList])
    const dialect = '    dialect:\n      token:\n        claims:\n          who: "x-${app.attributes.tags}"\n'
    const fewer = sample.slice(0, sample.indexOf('        apps:'))
    const shaped = changed('    apis:\n', `${dialect}    apis:\n`, fewer)
    assert.deepEqual(await planRefusals(bench, [shaped]), [
      'folder/a.yaml:11:11 tenants[0].dialect.token.claims.who: found ${app.attributes.tags} inside text, while app shop/acme/sync in the store holds a list there, expected the variable alone, or that app changed or removed first',
    ])
    const whole = changed('"x-${app.attributes.tags}"', '"${app.attributes.tags}"', shaped)
    assert.deepEqual(await planRefusals(bench, [whole]), [])
    // Whoever goes with this run, or is declared anew in it, is in nobody's way.
    assert.deepEqual(await planRefusals(bench, [shaped], true), [])
    const mended = changed('tags: [a]', 'tags: a', changed('    apis:\n', `${dialect}    apis:\n`, withList))
    assert.deepEqual(await planRefusals(bench, [mended]), [])
  })

  test(`${engine}: a row that another blueprint made is refused with both names`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    await applied(bench, [sample])
    assert.deepEqual(
      (await planRefusals(bench, [changed('blueprint: shop', 'blueprint: rival')]))[0],
      'folder/a.yaml:3:5 tenants[0].id: found tenant shop, which belongs to blueprint shop, expected an id that is free for blueprint rival',
    )
    const rival = changed('blueprint: shop', 'blueprint: rival', changed('id: acme', 'id: other'))
    assert.ok(
      (await planRefusals(bench, [rival])).some((line) => line.includes('found app shop/acme/sync, which')),
      'where the store has it',
    )
    const taken = changed('id: shop', 'id: neighbour', changed('hosts: [auth.shop.example]', 'hosts: []'))
    assert.deepEqual(
      (await planRefusals(bench, [taken]))[0],
      'folder/a.yaml:3:5 tenants[0].id: found tenant neighbour, which was not made by a blueprint, expected an id that is free for blueprint shop, or --adopt to take it into that',
    )
  })

  test(`${engine}: hosts, audiences and client ids that the store has given to others are refused together`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    await applied(bench, [sample])
    await saveByHand(db, { clientId: 'a b' })
    const hosts = changed('hosts: [auth.shop.example]', 'hosts: [auth.shop.example, neighbour.localhost]')
    const apis = changed(
      '    plans:',
      '      - {id: second, audience: "https://api.shop.example", scopes: {}}\n    plans:',
      hosts,
    ).replace(
      '- id: rest\n        audience: https://api.shop.example',
      '- id: rest\n        audience: https://new.shop.example',
    )
    const apps = `${apis}          - id: other\n            name: Other\n            client_id: a+b\n`
    assert.deepEqual(await planRefusals(bench, [apps]), [
      'folder/a.yaml:6:5 tenants[0].hosts: found neighbour.localhost, which is a host of tenant neighbour, expected a host that is free',
      'folder/a.yaml:14:22 tenants[0].apis[1].audience: found the audience of API shop/rest in the store, expected one that is free',
      'folder/a.yaml:31:13 tenants[0].organizations[0].apps[1].client_id: found a client id that URL-encoding turns into the one of another app, or back, expected another',
    ])
  })

  test(`${engine}: what one API is asked for by is no other's, whoever made it`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    await applied(bench, [sample])
    const byHand = {
      id: 'byhand',
      audience: 'by-hand',
      settings: { scopes: {}, resources: ['https://by.hand'] },
    }
    await db.write((tx) => saveApi(tx, 'shop', { ...byHand, blueprint: null }))
    const refusalsOf = (members: string) =>
      planRefusals(bench, [changed('    plans:', `      - {id: second, ${members}, scopes: {}}\n    plans:`)])
    assert.deepEqual(await refusalsOf('audience: "https://by.hand"'), [
      'folder/a.yaml:14:22 tenants[0].apis[1].audience: found a resource of API shop/byhand in the store, expected one that is free',
    ])
    assert.deepEqual(await refusalsOf('audience: second, resources: ["https://by.hand"]'), [
      'folder/a.yaml:14:40 tenants[0].apis[1].resources: found a resource of API shop/byhand in the store, expected one that is free',
    ])
    assert.deepEqual(await refusalsOf('audience: second, resources: ["https://free.hand"]'), [])
  })

  test(`${engine}: environment, client id and organization are fixed once they are made`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const literal = changed('name: Sync\n', 'name: Sync\n            client_id: sync-1\n')
    await applied(bench, [literal])
    assert.deepEqual((await applied(bench, [sample])).lines, nothing)
    assert.deepEqual(await planRefusals(bench, [changed('environment: test', 'environment: live')]), [
      'folder/a.yaml:5:5 tenants[0].environment: found live, expected test, as its secrets say; another tenant for the other',
    ])
    assert.deepEqual(await planRefusals(bench, [changed('sync-1', 'sync-2', literal)]), [
      'folder/a.yaml:24:13 tenants[0].organizations[0].apps[0].client_id: found another client id than the app has, expected sync-1, or a new app',
    ])
    const moved = `${sample.slice(0, sample.indexOf('        apps:'))}      - id: other\n        name: Other\n${sample.slice(sample.indexOf('        apps:'))}`
    assert.deepEqual(await planRefusals(bench, [moved]), [
      'folder/a.yaml:24:13 tenants[0].organizations[1].apps[0].id: found an app of organization acme, expected it to stay there; another app here',
    ])
  })

  test(`${engine}: a host may change tenants within one run`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const second = '  - {id: second, name: Second, environment: test, hosts: [second.shop.example]}\n'
    await applied(bench, [sample + second])
    const swapped =
      changed('[auth.shop.example]', '[second.shop.example]', sample) +
      second.replace('second.shop.example', 'auth.shop.example')
    await applied(bench, [swapped])
    assert.equal(await findTenantIdByHost(db, 'auth.shop.example'), 'second')
    assert.equal(await findTenantIdByHost(db, 'second.shop.example'), 'shop')
  })

  test(`${engine}: client ids take the shape that the tenant sets, once`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const shaped = changed('token_reuse: false', 'client_id: {length: 32, alphabet: alphanumeric}')
    const [secret] = (await applied(bench, [shaped])).generated
    assert.match(secret?.clientId ?? '', /^[0-9A-Za-z]{32}$/)
    await applied(bench, [changed('length: 32', 'length: 26', shaped)])
    assert.equal((await syncClient(db)).clientId, secret?.clientId)
  })

  test(`${engine}: a failure in the middle leaves nothing behind`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const plan = await planOf(bench, [sample])
    const sequence = db.changes.lastSeq
    // What was done is told last: tenant, API, plan, organization, app and credential are written by then.
    const audit = () => {
      throw new Error('no room left')
    }
    const failing: Database = { ...db, write: (work, by) => db.write((tx) => work({ ...tx, audit }), by) }
    await assert.rejects(applyPlan(failing, plan, { random: randomBytes, ...bench }), /no room left/)
    assert.equal(await readTenantRows(db, 'shop'), null)
    assert.equal(await findTenantIdByHost(db, 'auth.shop.example'), null)
    assert.equal(db.changes.lastSeq, sequence)
    assert.equal((await applied(bench, [sample])).generated.length, 1)
  })

  test(`${engine}: of two runs at once, one does it and the other is told; no secret is replaced`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const text = changed('name: Sync\n', 'name: Sync\n            client_id: sync-1\n')
    const [one, two] = [await planOf(bench, [text]), await planOf(bench, [text])]
    const effects = { random: randomBytes, ...bench }
    const results = await Promise.allSettled([applyPlan(db, one, effects), applyPlan(db, two, effects)])
    assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
    const rejected = results.find((result) => result.status === 'rejected')
    assert.ok(rejected?.reason instanceof PlanOutdated)
    const winner = results.find((result) => result.status === 'fulfilled')?.value.generated[0]
    const client = await syncClient(db)
    const { verifier } = bench.hasher.hash('shop', client.clientId, winner?.clientSecret ?? '')
    assert.deepEqual(Buffer.from(client.credentials[0]?.verifier ?? []), Buffer.from(verifier))
  })

  test(`${engine}: a plan that the store has moved away from is not carried out`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    await applied(bench, [sample])
    const plan = await planOf(bench, [changed('token_reuse: false', 'token_reuse: true')])
    await db.write((tx) => removeTenant(tx, 'shop'))
    await db.write((tx) => saveTenant(tx, 'shop', { name: 'Not ours', environment: 'live', settings: {} }))
    await assert.rejects(applyPlan(db, plan, { random: randomBytes, ...bench }), PlanOutdated)
    assert.equal((await loadTenant(db, 'shop'))?.name, 'Not ours')
  })

  test(`${engine}: a credential added beside the blueprint stays, and does not disturb it`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    await applied(bench, [sample])
    const { clientId } = await syncClient(db)
    const hashed = bench.hasher.hash('shop', clientId, 'sp_test_whatever')
    await db.write((tx) => saveCredential(tx, 'shop', clientId, { id: 'byhand', ...hashed }))
    assert.deepEqual((await applied(bench, [sample], true)).lines, nothing)
    assert.equal((await syncClient(db)).credentials.length, 2)
  })
})
