// product.md decision 3 and trust.md F14: what one process does is true in the others, and memory is never older than that.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises'
import { removeApp } from '../../src/store/apps.ts'
import { removeCredential } from '../../src/store/credentials.ts'
import { listSigningKeys } from '../../src/store/signing-keys.ts'
import { replaceHosts } from '../../src/store/tenants.ts'
import {
  createTestServer,
  forEachStore,
  type StoreSuite,
  startTestServer,
  type TestServer,
} from '../harness.ts'
import { assertInvalidClient, assertToken, freshAddress } from '../oauth/answers.ts'
import { setCredential, setDisabled } from '../oauth/rows.ts'
import { app, blueprint, organization, tenant } from '../oauth/sample.ts'

const text = blueprint(
  tenant('acme', [], {
    hosts: ['acme.localhost'],
    organizations: [
      organization('customer', [app('sync'), app('other')]),
      organization('second', [app('third')]),
    ],
  }),
)

/** Two processes on one database, as far as a test can have them: two servers that share nothing else. */
async function startTwo(t: TestContext, suite: StoreSuite): Promise<readonly [TestServer, TestServer]> {
  const started: TestServer[] = []
  t.after(() => Promise.all(started.map(({ server }) => server.close())))
  const { open, clock } = await suite.prepare(t)
  const one = await createTestServer({ db: await open(), clock, blueprints: [text] })
  started.push(one)
  const other = await createTestServer({ db: await open(), clock, blueprints: [] })
  started.push(other)
  return [one, other]
}

const secondMilliseconds = 1000
// The promise is a second; the rest is for a busy machine.
const patienceMilliseconds = 3 * secondMilliseconds

async function within(condition: () => Promise<boolean>): Promise<number> {
  const startedAt = performance.now()
  while (!(await condition())) {
    assert.ok(performance.now() - startedAt < patienceMilliseconds, 'it never became true')
    await wait(5)
  }
  return performance.now() - startedAt
}

forEachStore((_engine, suite) => {
  test('trust F14, R15: what is switched off at one process is refused at the other within a second', async (t) => {
    const [one, other] = await startTwo(t, suite)
    const sync = one.credential('acme', 'sync')
    const [clientId] = sync
    const status = async () =>
      (await other.token('acme', { basic: sync, clientAddress: freshAddress() })).status
    const changes: readonly (readonly [string, () => Promise<unknown>, (() => Promise<unknown>) | null])[] = [
      [
        'an app',
        () => setDisabled(one.db, 'app', 'acme', clientId, 1),
        () => setDisabled(one.db, 'app', 'acme', clientId, null),
      ],
      [
        'an organization',
        () => setDisabled(one.db, 'organization', 'acme', 'customer', 1),
        () => setDisabled(one.db, 'organization', 'acme', 'customer', null),
      ],
      [
        'a tenant',
        () => setDisabled(one.db, 'tenant', 'acme', 'acme', 1),
        () => setDisabled(one.db, 'tenant', 'acme', 'acme', null),
      ],
      [
        'a credential',
        () => setCredential(one.db, 'acme', clientId, 'main', { disabled_at: 1 }),
        () => setCredential(one.db, 'acme', clientId, 'main', { disabled_at: null }),
      ],
      [
        'a credential for good',
        () => one.db.write((tx) => removeCredential(tx, 'acme', clientId, 'main')),
        null,
      ],
    ]
    for (const [name, off, on] of changes) {
      await t.test(`trust F14: ${name} switched off elsewhere`, async () => {
        assert.equal(await status(), 200)
        await off()
        await within(async () => (await status()) === 401)
        if (on === null) return
        await on()
        await within(async () => (await status()) === 200)
      })
    }

    await t.test('003-02: an app deleted elsewhere', async () => {
      const third = one.credential('acme', 'third')
      assertToken(await other.token('acme', { basic: third }))
      await one.db.write((tx) => removeApp(tx, 'acme', third[0]))
      await within(
        async () =>
          (await other.token('acme', { basic: third, clientAddress: freshAddress() })).status === 401,
      )
    })
  })

  test('product decision 3: a secret made at one process is good at the other at once, before any feed', async (t) => {
    const [one, other] = await startTwo(t, suite)
    assertToken(await other.token('acme', { basic: one.credential('acme', 'sync') }))
    await one.apply(
      blueprint(
        tenant('acme', [], {
          hosts: ['acme.localhost'],
          organizations: [
            organization('customer', [
              app('sync', {
                credentials: [
                  { id: 'main', secret: 'generated' },
                  { id: 'new', secret: 'generated' },
                ],
              }),
              app('other'),
            ]),
            organization('second', [app('third')]),
          ],
        }),
      ),
    )
    // Another process's commit is seen from the next turn of the event loop on; here both share the turn.
    await turn()
    assertToken(await other.token('acme', { basic: one.credential('acme', 'sync', 'new') }))
  })

  test('settled: a host that comes or goes elsewhere is followed, though both answers were kept', async (t) => {
    const [one, other] = await startTwo(t, suite)
    const status = async (host: string) => (await other.request({ url: '/oauth2/jwks', host })).status
    assert.equal(await status('acme.localhost'), 200)
    assert.equal(await status('new.localhost'), 404)
    assert.equal(await status('new.localhost'), 404)
    await one.db.write((tx) => replaceHosts(tx, 'acme', ['new.localhost']))
    await within(async () => (await status('new.localhost')) === 200)
    await within(async () => (await status('acme.localhost')) === 404)
  })

  test('product decision 9: of two processes that need a key at once one makes it, and both sign with it', async (t) => {
    const [one, other] = await startTwo(t, suite)
    const sync = one.credential('acme', 'sync')
    const replies = await Promise.all(
      [one, other, one, other].map((server) => server.token('acme', { basic: sync })),
    )
    const kids = replies.map((reply) => {
      const [header = ''] = assertToken(reply).split('.')
      return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }).kid
    })
    assert.equal(new Set(kids).size, 1)
    const keys = await listSigningKeys(one.db, 'acme')
    assert.deepEqual(
      keys.map(({ kid }) => kid),
      [kids[0]],
    )
    for (const server of [one, other]) {
      const { json } = await server.request({ url: '/acme/oauth2/jwks' })
      assert.deepEqual(
        json.keys.map(({ kid }: { kid: string }) => kid),
        [kids[0]],
      )
    }
  })

  test("product decision 2: what is known is read once, and a stranger's guess turns nothing over", async (t) => {
    const reads: string[] = []
    const server = await startTestServer(
      t,
      suite,
      text,
      {},
      {
        db: (db) => ({
          ...db,
          read(query, values) {
            reads.push(values.filter((value) => value !== 'acme').join())
            return db.read(query, values)
          },
        }),
      },
    )
    const sync = server.credential('acme', 'sync')
    for (let number = 0; number < 10; number += 1) assertToken(await server.token('acme', { basic: sync }))
    assert.deepEqual(reads.sort(), [sync[0], 'customer'].sort())
    reads.length = 0
    assertInvalidClient(await server.token('acme', { basic: [sync[0], 'a wrong secret'] }))
    assert.deepEqual(reads, [sync[0]])
    assertToken(await server.token('acme', { basic: sync }))
    assert.deepEqual(reads, [sync[0]])
  })
})
