/** Stores written as blueprints: applied, exported, applied again; on both engines, beside a neighbour's rows. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { exportStore } from '../../src/blueprint/export-store.ts'
import { BlueprintFile } from '../../src/blueprint/schema.ts'
import { listApps } from '../../src/store/apps.ts'
import { setExpiry } from '../../src/store/credential-terms.ts'
import type { Database } from '../../src/store/database.ts'
import { removeTenant, saveTenant } from '../../src/store/tenants.ts'
import { forEachStore, type StoreSuite } from '../store/each-store.ts'
import {
  applied,
  type Bench,
  changed,
  createBench,
  parsed,
  planned,
  planRefusals,
  sample,
  saveByHand,
} from './sample.ts'
import { settingsIn, settingsOf, wide } from './wide.ts'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const textsIn = (folder: string): (readonly [string, string])[] =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => [`${folder}/${name}`, readFileSync(join(root, folder, name), 'utf8')] as const)
    .filter(([, text]) => /^blueprint: /m.test(text))
const platforms = textsIn('blueprints')
const published = [...platforms, ...textsIn('docs/examples')]

const keys = join(root, 'docs/examples/keys')
const keyFiles = Object.fromEntries(
  readdirSync(keys).map((name) => [resolve('folder/keys', name), readFileSync(join(keys, name), 'utf8')]),
)

async function benchOn(store: StoreSuite, t: Parameters<StoreSuite['open']>[0]): Promise<Bench> {
  const bench = await createBench((await store.open(t)).db)
  bench.files = keyFiles
  return bench
}

async function exported(db: Database, tenantIds: readonly string[], blueprint?: string): Promise<string> {
  const { text } = await exportStore(db, { tenantIds, blueprint })
  assert.ok(text !== undefined)
  return text
}

const tenantsOf = (text: string): string[] =>
  parsed(text).flatMap(({ file }) => file.tenants.map(({ id }) => id))
const nothing = ['Nothing to do: the store is as the blueprints say.']
const commentsOf = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('#'))
    .map((line) => line.slice(2))

forEachStore((engine, store) => {
  for (const [name, text] of published) {
    test(`issue 5, ${engine}: ${name} is exported as a blueprint that changes nothing where it is, and makes the same elsewhere`, async (t) => {
      const bench = await benchOn(store, t)
      await applied(bench, [text])
      const first = await exported(bench.db, tenantsOf(text))
      assert.deepEqual(await applied(bench, [first]), { lines: nothing, generated: [] })
      const empty = await benchOn(store, t)
      const secrets = (first.match(/secret: kept/g) ?? []).length - 1
      const refusals = await planRefusals(empty, [first])
      assert.equal(refusals.length, secrets, 'each secret that must be given, and nothing else')
      for (const refusal of refusals)
        assert.match(
          refusal,
          /secret: found kept, while the store has no secret of credential \S+, expected where it comes from: /,
        )
      const { generated } = await applied(empty, [first.replaceAll('secret: kept', 'secret: generated')])
      assert.equal(generated.length, secrets)
      assert.equal(await exported(empty.db, tenantsOf(text)), first)
    })
  }

  test(`issue 5, ${engine}: every setting that a blueprint knows comes out of an export as it went in`, async (t) => {
    const known = settingsOf(BlueprintFile as object)
    const sources = /\.(?:secret|certificate|certificate_authorities)\.(?:from_file|from_env|hash)$/
    const went = new Set(settingsIn(wide))
    assert.deepEqual(
      known.filter((setting) => !went.has(setting) && !sources.test(setting)),
      [],
      'a setting that this test leaves out: add it to wide.ts',
    )
    const bench = await benchOn(store, t)
    await applied(bench, [JSON.stringify(wide)])
    const text = await exported(bench.db, ['wide', 'wide-live'])
    assert.doesNotMatch(text, /[\u2028\u202e]/, 'what turns or breaks lines is escaped')
    const kept = JSON.stringify(wide).replace('"generated"', '"kept"')
    assert.equal(JSON.stringify(parsed(text)[0]?.file), kept, 'in the same order too')
    assert.deepEqual((await applied(bench, [text])).lines, nothing)
    const empty = await benchOn(store, t)
    await applied(empty, [text.replaceAll('secret: kept', 'secret: generated')])
    assert.equal(await exported(empty.db, ['wide', 'wide-live']), text)
  })

  test(`issue 5, ${engine}: an export is short: what is not set is not in it, and no secret or hash ever is`, async (t) => {
    const bench = await benchOn(store, t)
    bench.environment = { IMPORTED: 'canary-imported-secret' }
    const hash = 'sha256:n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg'
    const imported = `secret: generated
              - id: imported
                secret: {from_env: IMPORTED}
              - id: migrated
                secret: {hash: '${hash}'}`
    const { generated } = await applied(bench, [changed('secret: generated', imported)])
    const text = await exported(bench.db, ['shop'])
    const clientId = generated[0]?.clientId ?? ''
    const expected = changed('name: Sync\n', `name: Sync\n            client_id: ${clientId}\n`)
      .replace('{rest: [orders/read, storage:read]}', '\n              rest: [orders/read, storage:read]')
      .replace('scopes: \n', 'scopes:\n')
      .replace(
        /- id: main[\s\S]*$/,
        ['imported', 'main', 'migrated']
          .map((id) => `- id: ${id}\n                secret: kept\n`)
          .join('              '),
      )
    assert.equal(text.replaceAll(/^#.*\n/gm, ''), expected)
    assert.doesNotMatch(text, /canary|n4bQ|sp_test/)
    assert.deepEqual((await applied(bench, [text])).lines, nothing)
  })

  test(`issue 5, ${engine}: what a blueprint cannot say stands in the comment: owners, what is disabled, what apply would refuse`, async (t) => {
    const bench = await benchOn(store, t)
    const { db } = bench
    await applied(bench, [sample])
    await saveByHand(db, { disabledAt: 5, settings: { client_authentication: ['private_key_jwt'] } })
    const text = await exported(db, ['shop'])
    assert.deepEqual(commentsOf(text).slice(4), [
      'Disabled, which no blueprint can say: in another store they would be in use.',
      '- app shop/acme/byhand',
      'Made by no blueprint: apply takes them into this one with --adopt, and refuses them without it.',
      '- app shop/acme/byhand',
      'apply will refuse this file until this is mended:',
      '- tenants[0].organizations[0].apps[0].client_authentication[0]: found private_key_jwt without anything to prove',
      '  with, expected a credential with public_key or jwks_uri',
    ])
  })

  test(`issue 5, ${engine}: --adopt takes into a blueprint what nobody's blueprint has made, and nothing of another's`, async (t) => {
    const bench = await benchOn(store, t)
    const { db } = bench
    await applied(bench, [sample])
    await saveByHand(db)
    const text = await exported(db, ['shop'])
    assert.match(
      (await planRefusals(bench, [text])).join('\n'),
      /found app shop\/acme\/byhand, which was not made by a blueprint, expected .*--adopt/,
    )
    assert.deepEqual((await applied(bench, [text], { adopt: true })).lines, [
      '~ app shop/acme/byhand (taken into blueprint shop)',
    ])
    assert.deepEqual((await applied(bench, [text])).lines, nothing)
    const { problems = [] } = await planned(
      bench,
      parsed(changed('blueprint: shop', 'blueprint: rival', sample)),
      { adopt: true },
    )
    assert.match(problems[0]?.found ?? '', /which belongs to blueprint shop/)
  })

  test(`issue 5, ${engine}: several makers' tenants are exported together, named in the comment, and the server's own stays out`, async (t) => {
    const bench = await benchOn(store, t)
    const { db } = bench
    for (const [, text] of platforms) await applied(bench, [text])
    await db.write((tx) =>
      saveTenant(tx, 'system', { name: 'System', environment: 'live', settings: {}, blueprint: null }),
    )
    // Its settings are no settings.
    await db.write((tx) => removeTenant(tx, 'neighbour'))
    const { text = '' } = await exportStore(db, { tenantIds: null })
    assert.match(text, /^blueprint: exported$/m)
    assert.deepEqual(tenantsOf(text), [
      ...['nanotrust', 'nitrobox', 'nitrobox-live', 'nxtsoft', 'token', 'tokenos'],
    ])
    assert.match(
      commentsOf(text).join(' '),
      /Tenant system is the server's own, and .*Made by blueprint nxtsoft: .*- tenant nxtsoft - api/,
    )
    assert.deepEqual(await exportStore(db, { tenantIds: ['system', 'nobody'] }), {
      missing: ['nobody'],
      reserved: ['system'],
    })
  })

  test(`issue 5, ${engine}: of a blueprint's tenants only some: the comment says what --prune would do to the others`, async (t) => {
    const bench = await benchOn(store, t)
    await applied(bench, [JSON.stringify(wide)])
    assert.deepEqual(commentsOf(await exported(bench.db, ['wide-live'])).slice(4), [
      'A part of blueprint wide: apply --prune of this file removes its other tenants.',
      '- tenant wide',
    ])
  })

  test(`issue 5, ${engine}: a secret that ends at some second keeps that end through export and apply`, async (t) => {
    const bench = await benchOn(store, t)
    const { db } = bench
    await applied(bench, [sample])
    const [app] = await listApps(db, 'shop')
    await db.write((tx) => setExpiry(tx, 'shop', app?.clientId ?? '', ['main'], 1_814_360_709))
    const text = await exported(db, ['shop'])
    assert.match(text, /secret: kept\n +expires_at: 2027-06-30T13:05:09Z\n$/)
    assert.deepEqual((await applied(bench, [text])).lines, nothing)
    assert.deepEqual((await applied(bench, [sample])).lines, [
      '~ credential shop/acme/sync/main (expires_at: "2027-06-30T13:05:09Z" → not set)',
    ])
  })

  test(`issue 5, ${engine}: a kept secret is never replaced, and cannot be asked for a MAC that it was not made for`, async (t) => {
    const bench = await benchOn(store, t)
    await applied(bench, [sample])
    const text = await exported(bench.db, ['shop'])
    const sealed = 'client_authentication: [client_secret_basic, client_secret_jwt]'
    const withMac = changed('name: Sync\n', `name: Sync\n            ${sealed}\n`, text)
    assert.match((await planRefusals(bench, [withMac])).join(), /which cannot be read again/)
    const other = changed(
      'secret: kept\n',
      'secret: kept\n              - id: new\n                secret: kept\n',
      text.replaceAll(/^#.*\n/gm, ''),
    )
    assert.match((await planRefusals(bench, [other])).join(), /no secret of credential shop\/acme\/sync\/new/)
  })
})
