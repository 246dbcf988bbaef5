// Issue 4, item 5: whoever has a credential that ends hears of it in time, once for each end.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ExpiryWarning, warnOfExpiry } from '../../src/apps/expiry-warnings.ts'
import { setExpiry } from '../../src/store/credential-terms.ts'
import { touchLastUsed } from '../../src/store/credentials.ts'
import { listNotices } from '../../src/store/notices.ts'
import { forEachStore, startTestServer, type TestServer } from '../harness.ts'
import { setCredential, setDisabled } from './rows.ts'
import { app, blueprint, tenant } from './sample.ts'

const day = 86_400
const ids = ['used', 'unused', 'later', 'over', 'disabled', 'never']
const credentials = ids.map((id) => ({ id, secret: 'generated' }))

const text = blueprint(
  tenant('acme', [
    app('sync', { client_id: 'the-sync', credentials }),
    app('off', { client_id: 'the-off', credentials: [{ id: 'used', secret: 'generated' }] }),
  ]),
  tenant('quiet', [app('sync', { client_id: 'the-sync', credentials })], { secret_expiry_warning_days: 0 }),
  tenant('early', [app('sync', { client_id: 'the-sync', credentials })], { secret_expiry_warning_days: 60 }),
)

const expire = (server: TestServer, tenantId: string, id: string, at: number, clientId = 'the-sync') =>
  server.db.write((tx) => setExpiry(tx, tenantId, clientId, [id], at))

async function warned(server: TestServer): Promise<string[]> {
  const warnings: ExpiryWarning[] = []
  const count = await warnOfExpiry({ ...server, onWarning: (one) => warnings.push(one) }, server.clock())
  assert.equal(count, warnings.length)
  return warnings.map(
    ({ tenantId, clientId, credentialId, isUsedRecently }) =>
      `${tenantId} ${clientId} ${credentialId} ${isUsedRecently ? 'used' : 'unused'}`,
  )
}

forEachStore((engine, suite) => {
  test(`issue 4.5: ${engine}: fourteen days before its end, or as many as the tenant says, a credential is told of once`, async (t) => {
    const server = await startTestServer(t, suite, text)
    const now = server.clock()
    for (const tenantId of ['acme', 'quiet', 'early']) {
      await expire(server, tenantId, 'used', now + 14 * day)
      await expire(server, tenantId, 'unused', now + 14 * day)
      await expire(server, tenantId, 'later', now + 14 * day + 1)
      await expire(server, tenantId, 'over', now)
      await expire(server, tenantId, 'disabled', now + 1)
      await setCredential(server.db, tenantId, 'the-sync', 'disabled', { disabled_at: now })
    }
    await expire(server, 'acme', 'used', now + 1, 'the-off')
    await setDisabled(server.db, 'app', 'acme', 'the-off', now)
    const use = (credentialId: string, lastUsedAt: number) => ({
      ...{ tenantId: 'acme', clientId: 'the-sync' },
      ...{ credentialId, lastUsedAt },
    })
    await server.db.write((tx) =>
      touchLastUsed(tx, [use('used', now - 30 * day + 1), use('unused', now - 30 * day)]),
    )
    assert.deepEqual(await warned(server), [
      'acme the-sync unused unused',
      'acme the-sync used used',
      'early the-sync unused unused',
      'early the-sync used unused',
      'early the-sync later unused',
    ])
    const [first] = await listNotices(server.db, 'acme')
    assert.deepEqual(first, {
      ...{ tenantId: 'acme', clientId: 'the-sync', credentialId: 'unused', kind: 'expires_soon' },
      detail: { expires_at: now + 14 * day, last_used_at: now - 30 * day, used_recently: false },
      happenedAt: now,
    })
    assert.deepEqual(await warned(server), [])
    await server.advance(1)
    assert.deepEqual(await warned(server), ['acme the-sync later unused'])
    // Another end is told of as well; the same end never again.
    await expire(server, 'acme', 'used', now + 2 * day)
    assert.deepEqual(await warned(server), ['acme the-sync used unused'])
    await expire(server, 'acme', 'unused', now + 14 * day)
    assert.deepEqual(await warned(server), [])
    assert.equal((await listNotices(server.db, 'acme')).length, 3)
    assert.deepEqual(await listNotices(server.db, 'quiet'), [])
  })

  test(`issue 4.5: ${engine}: two nodes tell of 450 ends once each`, async (t) => {
    const many = Array.from({ length: 450 }, (_, index) => `c${String(index).padStart(3, '0')}`)
    const crowd = app('crowd', {
      client_id: 'the-crowd',
      credentials: many.map((id) => ({ id, secret: 'generated' })),
    })
    const server = await startTestServer(t, suite, blueprint(tenant('acme', [crowd])))
    const at = server.clock() + day
    // Equal ends too: a page must not lose what lies on its edge.
    await server.db.write((tx) => setExpiry(tx, 'acme', 'the-crowd', many.slice(0, 300), at))
    await server.db.write((tx) => setExpiry(tx, 'acme', 'the-crowd', many.slice(300), at + 1))
    const [one, other] = await Promise.all([warned(server), warned(server)])
    assert.equal(one.length + other.length, 450)
    assert.equal(new Set([...one, ...other]).size, 450)
  })
})
