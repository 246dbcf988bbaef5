/** What others change while a blueprint is being applied: the management API, a quarantine, a command. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createExposure } from '../../src/apps/expose-credential.ts'
import { applyPlan } from '../../src/blueprint/apply.ts'
import { PlanOutdated } from '../../src/blueprint/plan.ts'

import { findAppById, findClient, removeApp, saveApp } from '../../src/store/apps.ts'
import { listCredentials, removeCredential } from '../../src/store/credentials.ts'
import type { Database, WriteTransaction } from '../../src/store/database.ts'
import { exposeCredential } from '../../src/store/exposure.ts'
import { saveOrganization, selectOrganization } from '../../src/store/organizations.ts'
import { addTenant, lockTenant, saveTenant, selectTenant } from '../../src/store/tenants.ts'
import { forEachStore } from '../store/each-store.ts'
import { overtaken } from '../store/overtaken.ts'
import { applied, type Bench, changed, createBench, planOf, sample, syncClient } from './sample.ts'

const disabledAt = 1_800_000_000
const renamedApp = changed('name: Sync', 'name: Synchronizer')
const withEnd = changed('secret: generated', 'secret: generated\n                expires_at: 2031-01-01')

/** What others write before the plan that was made before it is carried out. */
async function applyMeanwhile(bench: Bench, text: string, write: (tx: WriteTransaction) => Promise<unknown>) {
  const plan = await planOf(bench, [text])
  const locked = async (tx: WriteTransaction) => {
    await lockTenant(tx, 'shop')
    await write(tx)
  }
  return overtaken(bench.db, locked, () => applyPlan(bench.db, plan, { random: randomBytes, ...bench }))
}

async function credentialsOfSync(db: Database, clientId: string) {
  const rows = await listCredentials(db, 'shop', clientId)
  return rows.map((row) => ({ id: row.id, isDisabled: row.disabledAt !== null, expiresAt: row.expiresAt }))
}

forEachStore((engine, store) => {
  test(`${engine}: an app, an organization and a tenant that are disabled meanwhile stay disabled`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    await applied(bench, [sample])
    const { clientId, settings } = await syncClient(db)
    const blueprint = 'shop'
    await applyMeanwhile(bench, renamedApp, (tx) =>
      saveApp(tx, 'shop', {
        ...{ clientId, id: 'sync', organizationId: 'acme', name: 'Sync', settings: JSON.parse(settings) },
        ...{ blueprint, disabledAt },
      }),
    )
    assert.equal((await findAppById(db, 'shop', 'sync'))?.name, 'Synchronizer')
    assert.equal((await syncClient(db)).disabledAt, disabledAt)

    const renamedOrganization = changed('name: Acme', 'name: Acme Ltd', renamedApp)
    await applyMeanwhile(bench, renamedOrganization, (tx) =>
      saveOrganization(tx, 'shop', {
        ...{ id: 'acme', name: 'Acme', planId: 'free', settings: {}, blueprint, disabledAt },
      }),
    )
    assert.equal((await selectOrganization(db, 'shop', 'acme'))?.disabledAt, disabledAt)

    const renamedTenant = changed('name: Shop', 'name: The shop', renamedOrganization)
    await applyMeanwhile(bench, renamedTenant, (tx) =>
      saveTenant(tx, 'shop', {
        ...{ name: 'Shop', environment: 'test', settings: { token_reuse: false }, blueprint, disabledAt },
      }),
    )
    assert.equal((await selectTenant(db.kysely, 'shop'))?.disabledAt, disabledAt)
  })

  test(`${engine}: a secret that is quarantined meanwhile stays so, as token requests see it too`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    await applied(bench, [sample])
    const { clientId } = await syncClient(db)
    await applyMeanwhile(bench, withEnd, (tx) =>
      exposeCredential(tx, {
        ...{ tenantId: 'shop', clientId, credentialId: 'main', by: 'plain_http', isQuarantined: true },
      }),
    )
    const expiresAt = Date.parse('2031-01-01') / 1000
    assert.deepEqual(await credentialsOfSync(db, clientId), [{ id: 'main', isDisabled: true, expiresAt }])
    const [copied] = (await syncClient(db)).credentials
    assert.notEqual(copied?.disabledAt, null)
  })

  test(`${engine}: a secret that is seen while its tenant is being changed is quarantined after that`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    await applied(bench, [sample])
    const { clientId } = await syncClient(db)
    const expose = createExposure({ db, onExposed() {} })
    const place = { tenantId: 'shop', clientId, credentialId: 'main' }
    const done = await overtaken(
      db,
      (tx) => lockTenant(tx, 'shop'),
      () => expose({ ...place, by: 'plain_http', isQuarantined: true }),
      async (tx) => {
        const [credential] = await listCredentials(tx, 'shop', clientId)
        assert.equal(credential?.disabledAt, null)
      },
    )
    assert.equal(done, 'quarantined')
    const [credential] = await listCredentials(db, 'shop', clientId)
    assert.notEqual(credential?.disabledAt, null)
  })

  test(`${engine}: an app or a credential that is removed meanwhile does not come back`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    await applied(bench, [sample])
    const { clientId } = await syncClient(db)
    await assert.rejects(
      applyMeanwhile(bench, withEnd, (tx) => removeCredential(tx, 'shop', clientId, 'main')),
      PlanOutdated,
    )
    assert.deepEqual(await credentialsOfSync(db, clientId), [])
    await assert.rejects(
      applyMeanwhile(bench, renamedApp, (tx) => removeApp(tx, 'shop', clientId)),
      PlanOutdated,
    )
    assert.equal(await findClient(db, 'shop', clientId), null)
  })

  test(`${engine}: a tenant that somebody else makes meanwhile is not overwritten`, async (t) => {
    const { db } = await store.open(t)
    const bench = await createBench(db)
    const others = { name: 'Of others', environment: 'live' as const, settings: {} }
    await assert.rejects(
      applyMeanwhile(bench, sample, (tx) => addTenant(tx, 'shop', others)),
      PlanOutdated,
    )
    const tenant = await selectTenant(db.kysely, 'shop')
    assert.deepEqual([tenant?.name, tenant?.environment, tenant?.blueprint], ['Of others', 'live', null])
  })
})
