// settled.md "Reuse" and 002-13, 002-14: when a token is given out again, and everything that must end it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { removeCredential, saveCredential } from '../../src/store/credentials.ts'
import { revoke } from '../../src/store/revocations.ts'
import { forEachStore, startTestServer, type TestServer } from '../harness.ts'
import { assertInvalidClient, assertToken, freshAddress, grant } from './answers.ts'
import { setCredential, setDisabled } from './rows.ts'
import { app, blueprint, generated, organization, type Part, restApi, tenant } from './sample.ts'

const two = [...generated, { id: 'second', secret: 'generated' }]
const text = blueprint(
  tenant('acme', [], {
    token_reuse: true,
    access_token_seconds: 300,
    hosts: ['acme.localhost'],
    apis: [restApi, { id: 'billing', audience: 'billing', scopes: { read: 'Read' } }],
    organizations: [
      organization('customer', [
        app('sync', {
          credentials: two,
          scopes: { rest: ['read', 'write'], billing: ['read'] },
          default_api: 'rest',
        }),
        app('other'),
        app('never', { token_reuse: false }),
      ]),
    ],
  }),
  tenant('plain', [app('sync'), app('always', { token_reuse: true })]),
)

type Ask = Parameters<TestServer['token']>[1]

forEachStore((_engine, suite) => {
  test('002-13, 002-14: a token is served again with what is left of its life, until a fifth is left', async (t) => {
    const server = await startTestServer(t, suite, text)
    const ask = () => server.token('acme', { basic: server.credential('acme', 'sync') })
    const first = await ask()
    const token = assertToken(first)
    assert.equal(first.json.expires_in, 300)
    await server.advance(31)
    const second = await ask()
    assert.equal(assertToken(second), token)
    assert.equal(second.json.expires_in, 269)
    assert.deepEqual({ ...second.json, expires_in: 0 }, { ...first.json, expires_in: 0 })
    await server.advance(208)
    const last = await ask()
    assert.equal(assertToken(last), token)
    assert.equal(last.json.expires_in, 61)
    await server.advance(1)
    const fresh = await ask()
    assert.notEqual(assertToken(fresh), token)
    assert.equal(fresh.json.expires_in, 300)
    assert.equal(decodeJwt(assertToken(fresh)).iat, server.clock())
    assert.equal(assertToken(await ask()), assertToken(fresh))
  })

  test('002-14: a token is served again although its app, which has not changed, has been read anew meanwhile', async (t) => {
    const server = await startTestServer(t, suite, text, {}, { clientCacheEntries: 2 })
    const ask = (id: string) => server.token('acme', { basic: server.credential('acme', id) })
    const token = assertToken(await ask('sync'))
    // News of another app, after which nobody is remembered to have proven themselves.
    await setCredential(server.db, 'acme', server.credential('acme', 'other')[0], 'main', {
      expires_at: null,
    })
    for (const id of ['other', 'never']) assertToken(await ask(id))
    assert.equal(assertToken(await ask('sync')), token)
  })

  test('settled: a kept token ends with the tokens of its app and its organization, though its claims name neither', async (t) => {
    const claims = { iss: '${issuer}', azp: 'app:${client_id}', iat: '${iat}', exp: '${exp}' }
    const unnamed = tenant('unnamed', [app('sync')], { token_reuse: true, dialect: { token: { claims } } })
    const server = await startTestServer(t, suite, blueprint(unnamed))
    const [clientId, secret] = server.credential('unnamed', 'sync')
    const ask = async () => assertToken(await server.token('unnamed', { basic: [clientId, secret] }))
    for (const [kind, subjectId] of [
      ['app', clientId],
      ['organization', 'customer'],
    ] as const) {
      const token = await ask()
      assert.equal(await ask(), token)
      await server.db.write((tx) => revoke(tx, 'unnamed', { kind, subjectId }))
      await server.advance(1)
      assert.notEqual(await ask(), token, kind)
    }
  })

  test('settled: reuse is off by default, and an app may differ from its tenant', async (t) => {
    const server = await startTestServer(t, suite, text)
    const isReused = async (tenantId: string, appId: string) => {
      const ask = () => server.token(tenantId, { basic: server.credential(tenantId, appId) })
      const first = assertToken(await ask())
      return assertToken(await ask()) === first
    }
    assert.equal(await isReused('plain', 'sync'), false)
    assert.equal(await isReused('plain', 'always'), true)
    assert.equal(await isReused('acme', 'sync'), true)
    assert.equal(await isReused('acme', 'never'), false)
  })

  test('trust F37: nothing that makes a token another token shares one', async (t) => {
    const server = await startTestServer(t, suite, text)
    const sync = server.credential('acme', 'sync')
    const requests: readonly Ask[] = [
      { basic: sync },
      { basic: sync, body: { ...grant, scope: 'read' } },
      { basic: sync, body: { ...grant, scope: 'write' } },
      { basic: sync, body: { ...grant, scope: 'write read' } },
      { basic: sync, body: { ...grant, audience: 'billing' } },
      { basic: server.credential('acme', 'sync', 'second') },
      { basic: server.credential('acme', 'other') },
    ]
    const ask = async () => {
      const tokens: string[] = []
      for (const request of requests) tokens.push(assertToken(await server.token('acme', request)))
      const atHost = await server.request({
        ...{ method: 'POST', host: 'acme.localhost:8443', url: '/oauth2/token' },
        ...{ basic: sync, body: grant },
      })
      tokens.push(assertToken(atHost))
      return tokens
    }
    const tokens = await ask()
    assert.equal(new Set(tokens).size, tokens.length)
    assert.deepEqual(await ask(), tokens)
    const issuers = tokens.map((token) => decodeJwt(token).iss)
    assert.deepEqual(
      new Set(issuers),
      new Set(['https://localhost:8443/acme', 'https://acme.localhost:8443']),
    )
    // The same scopes, asked for by name and by default, are the same token.
    const named = { ...grant, scope: 'read write', resource: 'https://api.acme.example' }
    assert.equal(assertToken(await server.token('acme', { basic: sync, body: named })), tokens[0])
  })

  test('settled: a change that touches a kept token ends it at once, and no stranger can', async (t) => {
    const server = await startTestServer(t, suite, text)
    const { db, store } = server
    const sync = server.credential('acme', 'sync')
    const [clientId] = sync
    const ask = async () => assertToken(await server.token('acme', { basic: sync }))
    const append = (noun: 'app' | 'organization' | 'tenant', subjectId: string) => async () =>
      db.write(async (tx) => tx.append({ tenantId: 'acme', noun, subjectId }))
    const update = (settings: Part) => async () =>
      db.write(async (tx) => {
        const values = { settings: JSON.stringify(settings) }
        await tx.kysely.updateTable('apps').set(values).where('client_id', '=', clientId).execute()
        tx.append({ tenantId: 'acme', noun: 'app', subjectId: clientId })
      })
    const hashed = store.hasher.hash('acme', clientId, 'another-secret-of-the-app')
    const onAndOff = (noun: 'app' | 'organization', subjectId: string) => async () => {
      await setDisabled(db, noun, 'acme', subjectId, server.clock())
      assertInvalidClient(await server.token('acme', { basic: sync, clientAddress: freshAddress() }))
      await setDisabled(db, noun, 'acme', subjectId, null)
    }
    const changes: readonly (readonly [string, () => Promise<unknown>])[] = [
      [
        'a credential is added',
        () => db.write((tx) => saveCredential(tx, 'acme', clientId, { id: 'third', ...hashed })),
      ],
      ['a credential is removed', () => db.write((tx) => removeCredential(tx, 'acme', clientId, 'third'))],
      ['another credential expires', () => setCredential(db, 'acme', clientId, 'second', { expires_at: 1 })],
      ['the app is off and on', onAndOff('app', clientId)],
      ['the organization is off and on', onAndOff('organization', 'customer')],
      ['the app is changed', update({ scopes: { rest: ['read', 'write'] }, access_token_seconds: 200 })],
      ['the organization is changed', append('organization', 'customer')],
      ['the tenant is changed', append('tenant', 'acme')],
    ]
    for (const [name, change] of changes) {
      await t.test(`settled: a kept token ends when ${name}`, async () => {
        const before = await ask()
        assert.equal(await ask(), before, 'the token was not kept')
        await change()
        assert.notEqual(await ask(), before)
      })
    }

    await t.test(
      'settled: a kept token outlives the guesses of strangers and the changes of others',
      async () => {
        const before = await ask()
        for (let number = 0; number < 15; number += 1) {
          const secret = `sp_test_${String(number).padStart(49, '0')}`
          await server.token('acme', { basic: [clientId, secret], clientAddress: freshAddress() })
        }
        await db.write(async (tx) => {
          tx.append({ tenantId: 'acme', noun: 'app', subjectId: server.credential('acme', 'other')[0] })
          tx.append({ tenantId: 'plain', noun: 'tenant', subjectId: 'plain' })
        })
        assert.equal(await ask(), before)
      },
    )
  })

  test('trust R17: a clock that was set back never makes a kept token live longer than it says', async (t) => {
    const server = await startTestServer(t, suite, text)
    const ask = () => server.token('acme', { basic: server.credential('acme', 'sync') })
    await server.advance(10_000)
    const before = assertToken(await ask())
    server.clock.advance(-3600)
    const back = await ask()
    assert.notEqual(assertToken(back), before)
    assert.equal(back.json.expires_in, 300)
    assert.equal(decodeJwt(assertToken(back)).iat, server.clock())
    server.clock.advance(-1)
    assert.ok((await ask()).json.expires_in <= 300)
  })
})
