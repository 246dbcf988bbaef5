// product.md decision 2: last use and dialect counters are gathered in memory, and none is lost on the way to the store.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createUsage } from '../../src/apps/usage.ts'
import { listCredentials } from '../../src/store/credentials.ts'
import { StoreUnavailable } from '../../src/store/database.ts'
import { listDialectUses } from '../../src/store/dialect-uses.ts'
import { forEachStore } from '../harness.ts'
import { saveSampleTenant } from '../store/each-store.ts'

forEachStore((_engine, suite) => {
  test('product decision 2: uses noted while a batch is being written are in the next one', async (t) => {
    const { db, clock } = await suite.open(t)
    await saveSampleTenant(db, 'acme')
    const usage = createUsage(db)
    const note = () =>
      usage.note({
        ...{ tenantId: 'acme', clientId: 'client-1', credentialId: 'first' },
        ...{ features: ['multipart'], now: clock() },
      })
    note()
    note()
    const flushing = usage.flush()
    clock.advance(5)
    note()
    const both = [flushing, usage.flush()]
    note()
    await Promise.all(both)
    await usage.flush()
    await usage.flush()
    assert.deepEqual(await listDialectUses(db, 'acme'), [
      { clientId: 'client-1', feature: 'multipart', uses: 4, lastUsedAt: clock() },
    ])
    const [credential] = await listCredentials(db, 'acme', 'client-1')
    assert.equal(credential?.lastUsedAt, clock())
  })

  test('product decision 8: what could not be written waits for the database', async (t) => {
    const { db, clock } = await suite.open(t)
    await saveSampleTenant(db, 'acme')
    const outage = { isOn: true }
    const usage = createUsage({
      ...db,
      write: async (work) => {
        await Promise.resolve()
        if (outage.isOn) throw new StoreUnavailable('gone')
        return db.write(work)
      },
    })
    const note = () =>
      usage.note({
        ...{ tenantId: 'acme', clientId: 'client-1', credentialId: 'first' },
        ...{ features: ['multipart', 'token_path'], now: clock() },
      })
    note()
    const failing = usage.flush()
    clock.advance(7)
    note()
    await failing
    await usage.flush()
    outage.isOn = false
    await usage.flush()
    const uses = await listDialectUses(db, 'acme')
    assert.deepEqual(
      uses.map(({ feature, uses, lastUsedAt }) => [feature, uses, lastUsedAt]),
      [
        ['multipart', 2, clock()],
        ['token_path', 2, clock()],
      ],
    )
    const [credential] = await listCredentials(db, 'acme', 'client-1')
    assert.equal(credential?.lastUsedAt, clock())
  })
})
