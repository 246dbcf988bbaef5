/** What the audit chain says of applied blueprints: one record for each thing, before and after, and no secret. */

import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { type Jwk, jwkThumbprintInput } from '@sallyport/protocol'
import { applyPlan } from '../../src/blueprint/apply.ts'
import { listAuditRecords } from '../../src/store/audit-records.ts'
import { forEachStore } from '../store/each-store.ts'
import { keyPair, withProofs } from './proofs.ts'
import { type Bench, changed, createBench, planOf, sample } from './sample.ts'

/** Applies as somebody, and gives the records of that run with their states read. */
async function recorded(bench: Bench, text: string, prune = false) {
  const { db } = bench
  const before = await listAuditRecords(db, { limit: 1, newestFirst: true })
  const plan = await planOf(bench, [text], prune)
  const { generated } = await applyPlan(db, plan, { random: randomBytes, ...bench }, 'command apply (ada)')
  const records = await listAuditRecords(db, { after: before[0]?.number ?? 0, limit: 100 })
  const all = JSON.stringify(records)
  for (const { clientSecret } of generated) assert.ok(!all.includes(clientSecret))
  return records.map(({ tenantId, actor, action, target, outcome, before: old, after }) => ({
    line: `${tenantId}: ${actor}: ${action}: ${target}: ${outcome}`,
    before: old && JSON.parse(old),
    after: after && JSON.parse(after),
  }))
}

const thumbprintOf = (jwk: object): string =>
  createHash('sha256')
    .update(jwkThumbprintInput(jwk as Jwk))
    .digest('base64url')

const clientIdIn = (records: Awaited<ReturnType<typeof recorded>>): string =>
  records.find(({ line }) => line.includes('add app'))?.after.client_id

forEachStore((engine, store) => {
  test(`issue 5, ${engine}: each thing that a blueprint adds is a record with its state, named as the API names it`, async (t) => {
    const bench = await createBench((await store.open(t)).db)
    const records = await recorded(bench, sample)
    const clientId = clientIdIn(records)
    const who = 'shop: command apply (ada): add'
    assert.deepEqual(
      records.map(({ line }) => line),
      [
        `${who} tenant: tenant shop: done`,
        `${who} api: api rest: done`,
        `${who} plan: plan free: done`,
        `${who} organization: organization acme: done`,
        `${who} app: app ${clientId}: done`,
        `${who} credential: credential ${clientId} main: done`,
      ],
    )
    assert.ok(records.every(({ before }) => before === null))
    assert.deepEqual(records[0]?.after, {
      ...{ id: 'shop', name: 'Shop', environment: 'test', hosts: ['auth.shop.example'] },
      ...{ token_reuse: false, disabled: false, blueprint: 'shop' },
    })
    assert.deepEqual(records[5]?.after, {
      ...{ id: 'main', kind: 'secret', disabled: false, blueprint: 'shop', expires_at: null },
    })
  })

  test(`issue 5, ${engine}: a change is a record with what was and what is, a removal one with what was; nothing to do is none`, async (t) => {
    const bench = await createBench((await store.open(t)).db)
    const clientId = clientIdIn(await recorded(bench, sample))
    assert.deepEqual(await recorded(bench, sample), [])
    const [tenant, app, ...others] = await recorded(
      bench,
      changed('name: Sync', 'name: Synced', changed('token_reuse: false', 'token_reuse: true')),
    )
    assert.deepEqual(others, [])
    assert.equal(tenant?.line, 'shop: command apply (ada): change tenant: tenant shop: done')
    assert.deepEqual([tenant?.before.token_reuse, tenant?.after.token_reuse], [false, true])
    assert.deepEqual(app?.after, { ...app?.before, name: 'Synced' })
    const fewer = sample.slice(0, sample.indexOf('        apps:'))
    const [, ...removed] = await recorded(bench, fewer, true)
    assert.deepEqual(
      removed.map(({ line, after }) => [line, after]),
      [
        [`shop: command apply (ada): remove app: app ${clientId}: done`, null],
        [`shop: command apply (ada): remove credential: credential ${clientId} main: done`, null],
      ],
    )
    assert.equal(removed[0]?.before.client_id, clientId)
  })

  test(`issue 5, ${engine}: a key in the place of another is a record that says so, with the thumbprint of either`, async (t) => {
    const bench = await createBench((await store.open(t)).db)
    const [old, fresh] = [keyPair(), keyPair()]
    const text = (jwk: object) => withProofs(['private_key_jwt'], [{ public_key: jwk }])
    await recorded(bench, text(old.jwk))
    const [record] = await recorded(bench, text(fresh.jwk))
    const { public_key: key, ...others } = record?.before ?? {}
    const { public_key: newKey, ...newOthers } = record?.after ?? {}
    assert.deepEqual(newOthers, { ...others, replaced: true })
    assert.deepEqual([key.thumbprint, newKey.thumbprint], [thumbprintOf(old.jwk), thumbprintOf(fresh.jwk)])
    assert.ok(!JSON.stringify(record).includes(fresh.jwk.x ?? ''))
  })
})
