// Whatever ends tokens at the server ends them at every guard that follows it; and what holds while it cannot follow.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RevocationKind } from '@sallyport/protocol'
import { removeApp } from '../../src/store/apps.ts'
import { removeCredential } from '../../src/store/credentials.ts'
import type { WriteTransaction } from '../../src/store/database.ts'
import { removeOrganization, saveOrganization } from '../../src/store/organizations.ts'
import { revoke } from '../../src/store/revocations.ts'
import { loadTenant, removeTenant, saveTenant } from '../../src/store/tenants.ts'
import { forEachStore, startTestServer, type TestServer } from '../harness.ts'
import { resourceServer, revokeToken, tokenOf } from '../oauth/ends.ts'
import { app, blueprint, organization, restApi, tenant } from '../oauth/sample.ts'
import { assertAllowed, assertRefused, type Guarded, guardOf, settle, until } from './guarded.ts'

const text = blueprint(
  tenant('acme', [app('sync'), app('other')], {
    organizations: [
      organization('customer', [app('sync')]),
      organization('neighbour', [app('other')]),
      organization('platform', [resourceServer, app('inside')]),
    ],
  }),
)
const api = { tenantId: 'acme', apiApp: 'api', audience: restApi.audience as string }

type End = (tx: WriteTransaction, server: TestServer) => Promise<unknown>

const clientIdOf = (server: TestServer) => server.credential('acme', 'sync')[0]
const untilNow = (kind: RevocationKind, subjectId: (server: TestServer) => string): End => {
  return (tx, server) => revoke(tx, 'acme', { kind, subjectId: subjectId(server) })
}

const ends: Readonly<Record<string, readonly [RevocationKind, End]>> = {
  'its app is deleted': ['app', (tx, server) => removeApp(tx, 'acme', clientIdOf(server))],
  'its credential is removed': [
    'credential',
    (tx, server) => removeCredential(tx, 'acme', clientIdOf(server), 'main'),
  ],
  'its organization is removed': ['organization', (tx) => removeOrganization(tx, 'acme', 'customer')],
  'the tokens of its app are cut off': ['app', untilNow('app', clientIdOf)],
  'the tokens of its organization are cut off': ['organization', untilNow('organization', () => 'customer')],
}

async function disableTenant(tx: WriteTransaction): Promise<void> {
  const acme = await loadTenant(tx, 'acme')
  assert.ok(acme)
  await saveTenant(tx, 'acme', { ...acme, settings: acme.settings as object, disabledAt: tx.now })
}

const endsOfItself: Readonly<Record<string, readonly [RevocationKind, End]>> = {
  'its tenant is disabled': ['tenant', disableTenant],
  'its tenant is removed': ['tenant', (tx) => removeTenant(tx, 'acme')],
  'its organization is disabled': [
    'organization',
    (tx) => saveOrganization(tx, 'acme', { id: 'platform', name: 'Off', settings: {}, disabledAt: tx.now }),
  ],
  'its organization is removed': ['organization', (tx) => removeOrganization(tx, 'acme', 'platform')],
}

async function refusedAs(guarded: Guarded, token: string, reason: string): Promise<void> {
  await until(async () => !(await guarded.check(token)).isAllowed)
  assertRefused(await guarded.check(token), reason)
}

forEachStore((engine, suite) => {
  for (const [title, [kind, end]] of Object.entries(ends)) {
    test(`R15, 003-02c: a guard refuses a token it has just let in when ${title} (${engine})`, async (t) => {
      const server = await startTestServer(t, suite, text)
      const guarded = guardOf(t, server, api)
      const [token, others] = [await tokenOf(server), await tokenOf(server, 'other')]
      assertAllowed(await guarded.check(token))
      await server.db.write((tx) => end(tx, server))
      await refusedAs(guarded, token, `revoked_${kind}`)
      assertAllowed(await guarded.check(others))
    })
  }

  test(`RFC 7009 §2: a token that its client gives back is refused, and no other (${engine})`, async (t) => {
    const server = await startTestServer(t, suite, text)
    const guarded = guardOf(t, server, api)
    const [token, sibling] = [await tokenOf(server), await tokenOf(server)]
    assertAllowed(await guarded.check(token))
    await revokeToken(server, token)
    await refusedAs(guarded, token, 'revoked_token')
    assertAllowed(await guarded.check(sibling))
  })

  test(`product 3: all tokens of the tenant are cut off at once (${engine})`, async (t) => {
    const server = await startTestServer(t, suite, text)
    const guarded = guardOf(t, server, api)
    const token = await tokenOf(server, 'other')
    assertAllowed(await guarded.check(token))
    await server.db.write((tx) => revoke(tx, 'acme', { kind: 'tenant', subjectId: 'acme' }))
    await refusedAs(guarded, token, 'revoked_tenant')
  })

  for (const [title, [kind, end]] of Object.entries(endsOfItself)) {
    test(`R15, trust F14: what ends the API at its issuer its guard hears first: ${title} (${engine})`, async (t) => {
      const server = await startTestServer(t, suite, text)
      const guarded = guardOf(t, server, api)
      const token = await tokenOf(server, 'inside')
      assertAllowed(await guarded.check(token))
      await server.db.write((tx) => end(tx, server))
      await refusedAs(guarded, token, `revoked_${kind}`)
    })
  }

  test(`a guard that starts after a revocation knows it from the first request (${engine})`, async (t) => {
    const server = await startTestServer(t, suite, text)
    const token = await tokenOf(server)
    await revokeToken(server, token)
    const guarded = guardOf(t, server, api)
    assertRefused(await guarded.check(token), 'revoked_token')
  })

  test(`R15: what was revoked while the feed was cut is refused once it is back (${engine})`, async (t) => {
    const server = await startTestServer(t, suite, text)
    const guarded = guardOf(t, server, api)
    const token = await tokenOf(server)
    assertAllowed(await guarded.check(token))
    guarded.network.cut()
    await settle()
    await server.db.write((tx) => removeApp(tx, 'acme', clientIdOf(server)))
    assertAllowed(await guarded.check(token))
    assert.equal(guarded.guard.status().revocations.isConnected, false)
    guarded.network.mend()
    await guarded.network.pass(1)
    await refusedAs(guarded, token, 'revoked_app')
    assert.equal(guarded.guard.status().revocations.failure, null)
  })

  const cut = async (t: Parameters<typeof startTestServer>[0], whenCut: 'refuse' | 'allow') => {
    const server = await startTestServer(t, suite, text)
    const guarded = guardOf(t, server, { ...api, revocation: { whenCut, afterSeconds: 30 } })
    const token = await tokenOf(server)
    assertAllowed(await guarded.check(token))
    guarded.network.cut()
    await guarded.network.pass(29)
    assertAllowed(await guarded.check(token))
    await guarded.network.pass(3)
    assert.equal(guarded.guard.status().revocations.standing, 'cut')
    return { ...guarded, token }
  }

  test(`R15: a guard whose feed is cut refuses within its bound, and says so (${engine})`, async (t) => {
    const { check, token, network } = await cut(t, 'refuse')
    const decision = await check(token)
    assertRefused(decision, 'feed_cut')
    assert.equal(decision.isAllowed || decision.status, 503)
    assert.ok(!decision.isAllowed && decision.headers['retry-after'])
    network.mend()
    await network.pass(6)
    await until(async () => (await check(token)).isAllowed)
  })

  test(`R15: one that was told to go on goes on, and says that it is cut off (${engine})`, async (t) => {
    const { check, token } = await cut(t, 'allow')
    assertAllowed(await check(token))
  })

  test(`a guard that has never heard of revocations lets nobody in (${engine})`, async (t) => {
    const server = await startTestServer(t, suite, text)
    const token = await tokenOf(server)
    const wrong = guardOf(t, server, { ...api, credentials: { id: 'nobody', secret: 'wrong' } })
    assertRefused(await wrong.check(token), 'feed_cut')
    assert.match(wrong.guard.status().revocations.failure ?? '', /answered 401/)
  })
})
