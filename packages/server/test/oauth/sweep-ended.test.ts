/** What may be forgotten of revocations and changes, and what may not. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRevocations } from '../../src/revocation/revocations.ts'
import { sweepEnded } from '../../src/revocation/sweep.ts'
import { listRevocations, revoke } from '../../src/store/revocations.ts'
import { createDirectory } from '../../src/tenants/directory.ts'
import { forEachStore, startTestServer } from '../harness.ts'
import { app, blueprint, tenant } from './sample.ts'

const endless = { dialect: { token: { claims: { sub: '${client_id}', iat: '${iat}' } } } }
const text = blueprint(tenant('acme', [app('sync')]), tenant('endless', [app('sync')], endless))

forEachStore((_engine, suite) => {
  test('product 4: a cut-off is kept as long as a token may live, for ever where tokens have no end', async (t) => {
    const { db, clock, store } = await startTestServer(t, suite, text)
    const directory = createDirectory({ ...store, random: () => Buffer.alloc(32), clientCacheEntries: 10 })
    const revocations = createRevocations({ changes: db.changes, load: (id) => listRevocations(db, id) })
    t.after(() => {
      directory.close()
      revocations.close()
    })
    const start = clock()
    for (const id of ['acme', 'endless'])
      await db.write((tx) => revoke(tx, id, { kind: 'app', subjectId: 'gone' }))
    const cutOffs = await revocations.ofTenant('acme')
    const facts = { issuedAt: start, clientId: 'gone' }
    assert.equal(cutOffs.hits(facts), 'app')
    const left = async () =>
      [await listRevocations(db, 'acme'), await listRevocations(db, 'endless')].map((list) => list.length)
    const sweep = (now: number) => sweepEnded({ db, directory, revocations }, now)
    await sweep(start + 86_400)
    assert.deepEqual(await left(), [1, 1])
    await sweep(start + 86_400 + 301)
    assert.deepEqual(await left(), [0, 1])
    assert.equal((await revocations.ofTenant('acme')).hits(facts), null)
    await sweep(start + 1e9)
    assert.deepEqual(await left(), [0, 1])
  })
})
