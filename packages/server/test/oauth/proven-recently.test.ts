// product.md, numbers to reach: a secret is compared once and not a thousand times a second; and nothing is forgotten by that.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { AuthenticatedClient } from '../../src/oauth/client-auth/proven-client.ts'
import { createProvenRecently } from '../../src/oauth/client-auth/proven-recently.ts'
import { removeCredential } from '../../src/store/credentials.ts'
import { forEachStore, startTestServer, type TestRequest, type TestServer } from '../harness.ts'
import { ask, assertInvalidClient, assertThrottled, assertToken, freshAddress, grant } from './answers.ts'
import { setCredential, setDisabled } from './rows.ts'
import { app, blueprint, tenant } from './sample.ts'

const short = 'U*U'
const imported = app('imported', {
  client_id: 'imported',
  credentials: [
    { id: 'old', secret: { hash: '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW' } },
  ],
})
const text = blueprint(
  tenant('acme', [app('sync'), app('other'), imported]),
  tenant('elsewhere', [app('sync')]),
)

/** Proven twice, so that what is remembered would answer the third time. */
async function warm(server: TestServer): Promise<TestRequest['basic'] & {}> {
  const basic = server.credential('acme', 'sync')
  for (let times = 0; times < 2; times++) assertToken(await ask(server, { basic }))
  return basic
}

forEachStore((engine, suite) => {
  test(`product, numbers to reach: ${engine}: the same words in the same place are compared once, until there is news`, async (t) => {
    let macs = 0
    const server = await startTestServer(
      t,
      suite,
      text,
      {},
      {
        hasher: (hasher) => ({
          ...hasher,
          compute(...words) {
            macs += 1
            return hasher.compute(...words)
          },
        }),
      },
    )
    const costOf = async (request: Omit<TestRequest, 'url'>): Promise<number> => {
      const before = macs
      assertToken(await ask(server, request))
      return macs - before
    }
    const basic = await warm(server)
    const [client_id, client_secret] = basic
    const inBody = { body: { ...grant, client_id, client_secret } }
    assert.equal(await costOf({ basic }), 0)
    assert.equal(await costOf(inBody), 1)
    assert.equal(await costOf(inBody), 0)
    await setCredential(server.db, 'acme', server.credential('acme', 'other')[0], 'main', {
      expires_at: null,
    })
    assert.equal(await costOf({ basic }), 1)
    assert.equal(await costOf({ basic }), 0)
  })

  test(`issue 4.3: ${engine}: whatever ends a client or its secret ends what is remembered of it`, async (t) => {
    const server = await startTestServer(t, suite, text)
    const basic = await warm(server)
    const [clientId] = basic
    const { db } = server
    const subjects = { tenant: 'acme', organization: 'customer', app: clientId } as const
    for (const noun of ['tenant', 'organization', 'app'] as const) {
      await setDisabled(db, noun, 'acme', subjects[noun], server.clock())
      assertInvalidClient(await ask(server, { basic }))
      await setDisabled(db, noun, 'acme', subjects[noun], null)
      await warm(server)
    }
    await setCredential(db, 'acme', clientId, 'main', { disabled_at: server.clock() })
    assertInvalidClient(await ask(server, { basic }))
    await setCredential(db, 'acme', clientId, 'main', { disabled_at: null, expires_at: server.clock() + 60 })
    await warm(server)
    await server.advance(59)
    assertToken(await ask(server, { basic }))
    await server.advance(1)
    assertInvalidClient(await ask(server, { basic }))
    await setCredential(db, 'acme', clientId, 'main', { expires_at: null })
    await warm(server)
    await db.write((tx) => removeCredential(tx, 'acme', clientId, 'main'))
    assertInvalidClient(await ask(server, { basic }))
  })

  test(`trust 24-41: ${engine}: what has proven one client proves no other, nor this one elsewhere`, async (t) => {
    const server = await startTestServer(t, suite, text)
    // Its first token is news as well.
    assertToken(await ask(server, { basic: server.credential('elsewhere', 'sync') }, 'elsewhere'))
    const basic = await warm(server)
    const [otherId] = server.credential('acme', 'other')
    assertInvalidClient(await ask(server, { basic, body: { ...grant, client_id: otherId } }))
    assertInvalidClient(await ask(server, { basic }, 'elsewhere'), 'https://localhost:8443/elsewhere')
  })

  test(`trust 44: ${engine}: a secret that can be guessed is never found before the guess has been counted`, async (t) => {
    const server = await startTestServer(t, suite, text)
    const basic = ['imported', short] as const
    assertToken(await ask(server, { basic }))
    // Its first use replaces the hash, which is news.
    while (!server.logLines.some(({ msg }) => msg === 'secret upgraded')) await turn()
    for (let times = 0; times < 3; times++) assertToken(await ask(server, { basic }))
    const clientAddress = freshAddress()
    const guess = (secret: string) => server.token('acme', { basic: ['imported', secret], clientAddress })
    let replies = 0
    while ((await guess(`no ${replies}`)).status !== 429) assert.ok(++replies < 100, 'throttled at some time')
    assertThrottled(await guess(short))
  })
})

test('product, numbers to reach: with more clients than are remembered, who comes once takes no place of who comes all day', () => {
  const recently = createProvenRecently({ version: 1 })
  const client = { credential: { isIndexed: true, disabledAt: null, expiresAt: null } } as AuthenticatedClient
  const come = (name: string): boolean => {
    const words = { tenantId: 'acme', place: 'client_secret_basic', text: name }
    const isKnown = recently.find(words, 0) !== undefined
    if (!isKnown) recently.keep(words, client)
    return isKnown
  }
  assert.deepEqual([come('regular'), come('regular')], [false, true])
  for (let number = 0; number < 10_000; number += 1) come(`first-${number}`)
  assert.ok(come('regular'))
  for (let number = 0; number < 20_000; number += 1) come(`once-${number}`)
  assert.ok(come('regular'))
  assert.deepEqual([come('newcomer'), come('newcomer'), come('newcomer')], [false, false, true])
})
