// trust 42, F14, F15: whoever was switched off, removed or has expired is refused from the next request on, and nobody else.
import { type TestContext, test } from 'node:test'
import { removeApp, saveApp } from '../../src/store/apps.ts'
import { removeCredential, saveCredential } from '../../src/store/credentials.ts'
import { forEachStore, type StoreSuite, startTestServer } from '../harness.ts'
import { ask, assertInvalidClient, assertRefused, assertToken, assertUnavailable } from './answers.ts'
import { saveClient, setCredential, setDisabled } from './rows.ts'
import { app, blueprint, generated, organization, tenant } from './sample.ts'

async function start(t: TestContext, suite: StoreSuite) {
  const credentials = [...generated, { id: 'second', secret: 'generated', expires_at: '2027-01-16' }]
  const organizations = [
    organization('customer', [app('sync', { credentials })]),
    organization('neighbour', [app('still-here')]),
  ]
  const server = await startTestServer(t, suite, blueprint(tenant('acme', [], { organizations })))
  const sync = server.credential('acme', 'sync')
  const neighbour = server.credential('acme', 'still-here')
  return {
    ...{ server, db: server.db, clientId: sync[0], sync, neighbour },
    second: server.credential('acme', 'sync', 'second'),
    prove: (basic: readonly [string, string]) => ask(server, { basic }),
    /** What becomes of the app, while its neighbour goes on. */
    async all(assertion: typeof assertInvalidClient | typeof assertToken) {
      assertion(await ask(server, { basic: sync }))
      assertToken(await ask(server, { basic: neighbour }))
    },
  }
}

forEachStore((_engine, suite) => {
  for (const noun of ['app', 'organization'] as const) {
    test(`trust 42, F14: a disabled ${noun}`, async (t) => {
      const { server, db, clientId, all } = await start(t, suite)
      const subjectId = noun === 'app' ? clientId : 'customer'
      await all(assertToken)
      await setDisabled(db, noun, 'acme', subjectId, server.clock())
      await all(assertInvalidClient)
      await setDisabled(db, noun, 'acme', subjectId, null)
      await all(assertToken)
    })
  }

  test('trust 42, F14: a disabled tenant', async (t) => {
    const { server, db, sync, neighbour, prove, all } = await start(t, suite)
    await all(assertToken)
    await setDisabled(db, 'tenant', 'acme', 'acme', server.clock())
    assertInvalidClient(await prove(sync))
    assertInvalidClient(await prove(neighbour))
    await setDisabled(db, 'tenant', 'acme', 'acme', null)
    await all(assertToken)
  })

  test('trust F15: a credential dies on its expiry, to the second, and the other lives on', async (t) => {
    const { server, db, clientId, sync, second, prove } = await start(t, suite)
    assertToken(await prove(second))
    await setCredential(db, 'acme', clientId, 'second', { expires_at: server.clock() + 90 })
    await server.advance(89)
    assertToken(await prove(second))
    await server.advance(1)
    assertInvalidClient(await prove(second))
    assertToken(await prove(sync))
    await setCredential(db, 'acme', clientId, 'second', { expires_at: null })
    assertToken(await prove(second))
  })

  test('trust 42, F14: a disabled credential, and one that was taken away', async (t) => {
    const { server, db, clientId, sync, second, prove } = await start(t, suite)
    assertToken(await prove(second))
    await setCredential(db, 'acme', clientId, 'second', { disabled_at: server.clock() })
    assertInvalidClient(await prove(second))
    await setCredential(db, 'acme', clientId, 'second', { disabled_at: null })
    assertToken(await prove(second))
    await db.write((tx) => removeCredential(tx, 'acme', clientId, 'second'))
    assertInvalidClient(await prove(second))
    assertToken(await prove(sync))
  })

  test('trust 42: one secret under two credentials is good while one of them is', async (t) => {
    const { server, db, clientId, prove } = await start(t, suite)
    const shared = [clientId, 'the-secret-of-two-credentials'] as const
    const hashed = server.store.hasher.hash('acme', ...shared)
    assertInvalidClient(await prove(shared))
    await db.write(async (tx) => {
      for (const id of ['a-first', 'z-last']) await saveCredential(tx, 'acme', clientId, { id, ...hashed })
    })
    for (const id of ['a-first', 'z-last']) {
      await setCredential(db, 'acme', clientId, id, { expires_at: server.clock() })
      assertToken(await prove(shared))
      await setCredential(db, 'acme', clientId, id, { expires_at: null })
    }
    await setCredential(db, 'acme', clientId, 'a-first', { expires_at: server.clock() })
    await setCredential(db, 'acme', clientId, 'z-last', { disabled_at: server.clock() })
    assertInvalidClient(await prove(shared))
  })

  test('trust 42, F14: a deleted app, and an app that comes back under its id', async (t) => {
    const { server, db, clientId, sync, prove, all } = await start(t, suite)
    await all(assertToken)
    await db.write((tx) => removeApp(tx, 'acme', clientId))
    await all(assertInvalidClient)
    const again = [clientId, 'another-secret-for-the-old-name'] as const
    await saveClient(server, 'acme', ...again)
    assertInvalidClient(await prove(sync))
    // Until everybody has heard of the end it would get tokens that are dead already.
    assertUnavailable(await prove(again))
    await server.advance(6)
    assertToken(await prove(again))
  })

  test('trust 76: an app without the grant is told so, once it has proven who it is', async (t) => {
    const { db, neighbour, prove } = await start(t, suite)
    assertToken(await prove(neighbour))
    await db.write((tx) =>
      saveApp(tx, 'acme', {
        clientId: neighbour[0],
        id: 'still-here',
        organizationId: 'neighbour',
        name: 'Still here',
        settings: { grant_types: [], scopes: { rest: ['read'] } },
      }),
    )
    assertRefused(await prove(neighbour), 400, 'unauthorized_client')
    assertInvalidClient(await prove([neighbour[0], `sp_test_${'x'.repeat(49)}`]))
  })
})
