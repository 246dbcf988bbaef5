// trust.md 44 and part 1, rows 9 to 12: what somebody who guesses secrets can do, and what the answers tell him.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SecretHasher } from '../../src/keys/secret-hasher.ts'
import { saveCredential } from '../../src/store/credentials.ts'
import type { Database } from '../../src/store/database.ts'
import { insertPepper } from '../../src/store/peppers.ts'
import {
  createTestServer,
  type Doubles,
  forEachStore,
  oneStore,
  startTestServer,
  type TestReply,
  type TestServer,
} from '../harness.ts'
import { assertInvalidClient, assertThrottled, assertToken, freshAddress, grant } from '../oauth/answers.ts'
import { setCredential } from '../oauth/rows.ts'
import { app, blueprint, generated, tenant } from '../oauth/sample.ts'

const imported = 'imported-secret-1'
const importedApp = (id: string) =>
  app(id, { client_id: id, credentials: [{ id: 'main', secret: { from_env: 'IMPORTED' } }] })
const environment = { IMPORTED: imported }
const text = blueprint(
  tenant('acme', [app('sync'), importedApp('old-sync'), importedApp('old-second')]),
  tenant('other', [importedApp('old-sync')]),
)

const generatedGuess = (number: number) => `sp_test_${String(number).padStart(49, '0')}`
const importedGuess = (number: number) => `imported-guess-${number}`
const statuses = (replies: readonly TestReply[]) => replies.map(({ status }) => status)
const count = (replies: readonly TestReply[], status: number) =>
  replies.filter((reply) => reply.status === status).length

interface Work {
  reads: number
  hmacs: number
}

/** Counts what a request asks of the store and how many HMACs it costs. */
function counting(): { readonly work: Work; readonly doubles: Doubles } {
  const work: Work = { reads: 0, hmacs: 0 }
  const db = (real: Database): Database => ({
    ...real,
    // A row of another client stands in for one that does not exist: what counts is what was fetched.
    read(query, values) {
      const rows = real.read(query, values)
      if (rows instanceof Promise) return rows.then(counted)
      return counted(rows)
    },
  })
  function counted<Row>(rows: Row[]): Row[] {
    work.reads += rows.length
    return rows
  }
  const hasher = (real: SecretHasher): SecretHasher => ({
    ...real,
    compute(...args) {
      work.hmacs += 1
      return real.compute(...args)
    },
  })
  return { work, doubles: { db, hasher } }
}

test('trust 44: after ten wrong secrets the eleventh is answered 429, and the right one 200', async (t) => {
  const server = await startTestServer(t, oneStore, text, environment)
  const [clientId, clientSecret] = server.credential('acme', 'sync')
  const ask = (secret: string, clientAddress = '203.0.113.7') =>
    server.token('acme', { basic: [clientId, secret], clientAddress })
  for (let number = 0; number < 10; number += 1) assertInvalidClient(await ask(generatedGuess(number)))
  assertThrottled(await ask(generatedGuess(11)))
  assertToken(await ask(clientSecret))
  assertThrottled(await ask(generatedGuess(12)))
  assertInvalidClient(await ask(generatedGuess(13), '203.0.113.8'))
  await server.advance(60)
  assertInvalidClient(await ask(generatedGuess(14)))
})

test('trust 44: Retry-After is what is left of the minute, and then it is true', async (t) => {
  const server = await startTestServer(t, oneStore, text, environment)
  const guess = () => server.token('acme', { basic: ['nobody', 'x'] })
  await guess()
  await server.advance(18)
  for (let number = 1; number < 10; number += 1) assertInvalidClient(await guess())
  const refused = await guess()
  assertThrottled(refused)
  assert.equal(refused.headers['Retry-After'], '42')
  await server.advance(41)
  assertThrottled(await guess())
  await server.advance(1)
  assertInvalidClient(await guess())
})

test('settled: an imported secret is not even compared once its client has been guessed at ten times from there', async (t) => {
  const server = await startTestServer(t, oneStore, text, environment)
  const ask = (secret: string, clientAddress = '203.0.113.7', clientId = 'old-sync') =>
    server.token('acme', { basic: [clientId, secret], clientAddress })
  for (let number = 0; number < 10; number += 1) assertInvalidClient(await ask(importedGuess(number)))
  assertThrottled(await ask(imported))
  assertToken(await ask(imported, '203.0.113.8'))
  assertToken(await ask(imported, '203.0.113.7', 'old-second'))
  const elsewhere = await server.token('other', { basic: ['old-sync', imported] })
  assertToken(elsewhere)
  await server.advance(60)
  assertToken(await ask(imported))
})

test('trust F10: every spelling of a client id counts on one counter', async (t) => {
  const server = await startTestServer(t, oneStore, text, environment)
  const spellings = [
    ...['old-sync', 'OLD-SYNC', 'Old-Sync', 'old-sync ', ' old-sync', '%6fld-sync', 'old%2Dsync', 'old-ſync'],
    ...['ｏｌｄ-sync', 'old-sy\u006ec', '%4Fld-sync', 'OLD%2dSYNC', '\u2006old-sync', 'oLD-ｓync'],
  ]
  const replies: TestReply[] = []
  for (const [index, spelling] of spellings.entries()) {
    const body = { ...grant, client_id: spelling, client_secret: importedGuess(index) }
    replies.push(
      await server.token('acme', index % 2 === 0 ? { body } : { basic: [spelling, importedGuess(index)] }),
    )
  }
  assert.deepEqual(
    statuses(replies),
    spellings.map((_, index) => (index < 10 ? 401 : 429)),
  )
  assertThrottled(await server.token('acme', { basic: ['old-sync', imported] }))
  // Composed and decomposed are one name too.
  const address = freshAddress()
  for (let index = 0; index < 11; index += 1) {
    const client_id = index % 2 === 0 ? 'caf\u00e9' : 'cafe\u0301'
    const body = { ...grant, client_id, client_secret: importedGuess(index) }
    const reply = await server.token('acme', { body, clientAddress: address })
    assert.equal(reply.status, index < 10 ? 401 : 429)
  }
})

test('trust F11: a network is one bucket, however its addresses are written', async (t) => {
  const server = await startTestServer(t, oneStore, text, environment)
  const guess = async (addresses: readonly string[]) => {
    const replies: TestReply[] = []
    for (const [index, clientAddress] of addresses.entries()) {
      replies.push(await server.token('acme', { basic: ['old-sync', importedGuess(index)], clientAddress }))
    }
    return replies
  }
  const oneNetwork = Array.from(
    { length: 200 },
    (_, index) => `2001:db8:0:7:${index.toString(16)}:${((index * 7919) & 0xffff).toString(16)}::1`,
  )
  assert.equal(count(await guess(oneNetwork), 401), 10)
  const spellings = [
    '2001:DB8:0:7::9',
    '2001:0db8:0000:0007:0:0:0:9',
    '2001:db8:0:7::%eth0',
    '2001:db8::7:0:0:0:1',
  ]
  assert.deepEqual(statuses(await guess(spellings)), [429, 429, 429, 429])
  assert.deepEqual(statuses(await guess(['2001:db8:0:8::1'])), [401])
  assert.equal(count(await guess(new Array(9).fill('192.0.2.1')), 401), 9)
  const mapped = ['::ffff:192.0.2.1', '::FFFF:c000:201', '0:0:0:0:0:ffff:192.0.2.1']
  assert.deepEqual(statuses(await guess(mapped)), [401, 429, 429])
})

test('trust F11: forwarded headers of a stranger make no new bucket', async (t) => {
  const server = await startTestServer(t, oneStore, text, environment)
  const replies: TestReply[] = []
  for (let number = 0; number < 20; number += 1) {
    const address = `192.0.2.${number}`
    const headers = {
      ...{ 'x-forwarded-for': address, forwarded: `for=${address}`, 'x-real-ip': address, via: address },
      ...{ 'client-ip': address, 'true-client-ip': address, 'cf-connecting-ip': address },
    }
    replies.push(await server.token('acme', { basic: ['nobody', importedGuess(number)], headers }))
  }
  assert.equal(count(replies, 401), 10)
})

test('trust 44: a network that guesses at many names is stopped at a hundred, and shuts out nobody elsewhere', async (t) => {
  const server = await startTestServer(t, oneStore, text, environment)
  const replies: TestReply[] = []
  for (let number = 0; number < 150; number += 1) {
    replies.push(await server.token('acme', { basic: [`name-${number}`, generatedGuess(number)] }))
  }
  assert.equal(count(replies, 401), 100)
  assert.equal(count(replies, 429), 50)
  assertToken(await server.token('acme', { basic: server.credential('acme', 'sync') }))
  // Spread over enough names, guesses at short secrets would never meet the limit of one name.
  assertThrottled(await server.token('acme', { basic: ['old-sync', imported] }))
  assertToken(await server.token('acme', { basic: ['old-sync', imported], clientAddress: '198.51.100.9' }))
})

test('trust F8: a guess in the URL counts like any other', async (t) => {
  const server = await startTestServer(t, oneStore, text, environment)
  const guess = (secret: string) =>
    server.request({
      method: 'POST',
      url: `/acme/oauth2/token?client_id=old-sync&client_secret=${secret}`,
      body: grant,
    })
  for (let number = 0; number < 10; number += 1)
    assert.equal((await guess(importedGuess(number))).status, 400)
  assertThrottled(await guess(importedGuess(11)))
  assertThrottled(await guess(imported))
  assertThrottled(await server.token('acme', { basic: ['old-sync', imported] }))
})

forEachStore((_engine, suite) => {
  test('trust F9, 44: of 200 guesses at once no more than ten are compared with an imported secret', async (t) => {
    for (const isCached of [false, true]) {
      const server = await startTestServer(t, suite, text, environment)
      const ask = (secret: string) => server.token('acme', { basic: ['old-sync', secret] })
      if (isCached) assertToken(await ask(imported))
      const guesses = Array.from({ length: 200 }, (_, number) =>
        ask(number === 150 ? imported : importedGuess(number)),
      )
      const replies = await Promise.all(guesses)
      assert.equal(count(replies, 401), 10)
      assert.equal(count(replies, 429), 190)
      assert.equal(replies[150]?.status, 429, 'the right guess among too many was told to be right')
    }
  })

  test('trust F9, 44: of 200 wrong generated secrets at once ten are answered 401, and the right one is served', async (t) => {
    const server = await startTestServer(t, suite, text, environment)
    const [clientId, clientSecret] = server.credential('acme', 'sync')
    const replies = await Promise.all(
      Array.from({ length: 200 }, (_, number) =>
        server.token('acme', { basic: [clientId, number === 150 ? clientSecret : generatedGuess(number)] }),
      ),
    )
    assert.equal(count(replies, 401), 10)
    assert.equal(count(replies, 429), 189)
    assert.equal(replies[150]?.status, 200)
  })

  test('trust F9: 200 right requests at once are no guesses, whatever the secret looks like', async (t) => {
    const server = await startTestServer(t, suite, text, environment)
    for (const credential of [server.credential('acme', 'sync'), ['old-sync', imported] as const]) {
      const asking = Array.from({ length: 200 }, () => server.token('acme', { basic: credential }))
      assert.equal(count(await Promise.all(asking), 200), 200)
    }
  })

  test('trust F9: a right secret that this process has not heard of yet is no guess', async (t) => {
    const server = await startTestServer(t, suite, text, environment)
    const [clientId, clientSecret] = server.credential('acme', 'sync')
    assertToken(await server.token('acme', { basic: [clientId, clientSecret] }))
    const secret = generatedGuess(77)
    const hashed = server.store.hasher.hash('acme', clientId, secret)
    await server.db.write((tx) =>
      saveCredential({ ...tx, append: () => {} }, 'acme', clientId, { id: 'new', ...hashed }),
    )
    const asking = Array.from({ length: 50 }, () => server.token('acme', { basic: [clientId, secret] }))
    assert.equal(count(await Promise.all(asking), 200), 50)
    for (let number = 0; number < 10; number += 1) {
      assertInvalidClient(await server.token('acme', { basic: [clientId, generatedGuess(number)] }))
    }
    assertThrottled(await server.token('acme', { basic: [clientId, generatedGuess(11)] }))
  })

  test('trust F12: unknown, wrong, disabled and expired cost the same reads and HMACs, and answer the same bytes', async (t) => {
    const { work, doubles } = counting()
    const apps = [
      app('sync'),
      importedApp('old-sync'),
      app('hashed', {
        client_id: 'hashed',
        credentials: [
          { id: 'main', secret: { hash: `sha256:${'A'.repeat(43)}` } },
          ...generated.map((c) => ({ ...c, id: 'b' })),
        ],
      }),
      app('empty', { client_id: 'empty', credentials: [] }),
    ]
    const server = await startTestServer(t, suite, blueprint(tenant('acme', apps)), environment, doubles)
    const [clientId] = server.credential('acme', 'sync')
    await setCredential(server.db, 'acme', clientId, 'main', { expires_at: 1 })
    await server.token('acme', { basic: ['warm', 'up'] })

    const cost = async (request: Parameters<TestServer['token']>[1]) => {
      work.reads = 0
      work.hmacs = 0
      const reply = await server.token('acme', { clientAddress: freshAddress(), ...request })
      assertInvalidClient(reply)
      return { ...work, text: reply.text, headers: reply.headers }
    }
    const known = [clientId, 'old-sync', 'hashed', 'empty']
    const shapes: ((name: string) => Parameters<TestServer['token']>[1])[] = [
      (name) => ({ basic: [name, generatedGuess(1)] }),
      (name) => ({ basic: [name, importedGuess(1)] }),
      // Two readings of one secret, then two readings that name two clients.
      (name) => ({ basic: [name, 'guess%41guess%41guess'] }),
      (name) => ({ basic: [`%${name.charCodeAt(0).toString(16)}${name.slice(1)}`, importedGuess(1)] }),
      (name) => ({ basic: [`%${name.charCodeAt(0).toString(16)}${name.slice(1)}`, 'guess%41guess'] }),
      (name) => ({ body: { ...grant, client_id: name, client_secret: importedGuess(1) } }),
      (name) => ({ body: { ...grant, client_id: name } }),
    ]
    for (const shape of shapes) {
      const unknown = await cost(shape('nobody-at-all'))
      assert.deepEqual(await cost(shape('nobody-else')), unknown)
      for (const name of known) {
        // The first time the client may have to be loaded; the second time it stands in the cache.
        assert.deepEqual(await cost(shape(name)), unknown, `${name} for the first time`)
        assert.deepEqual(await cost(shape(name)), unknown, `${name} from the cache`)
      }
    }
  })

  test('trust F12: secrets under an older pepper cost a stranger no other time than unknown names', async (t) => {
    const { work, doubles } = counting()
    const ending: { server?: TestServer } = {}
    t.after(() => ending.server?.server.close())
    const { open, clock } = await suite.prepare(t)
    const text = blueprint(tenant('acme', [importedApp('old-sync')]))
    const common = { clock, environment, blueprints: [text] }
    const before = await createTestServer({ ...common, db: await open() })
    const sealed = before.store.sealer.seal(Buffer.alloc(32, 3), 'pepper 2')
    await before.db.write((tx) => insertPepper(tx, { version: 2, sealed }))
    await before.server.close()
    const server = await createTestServer({ ...common, blueprints: [], db: await open(), doubles })
    ending.server = server
    assert.equal(server.store.hasher.currentVersion, 2)
    const cost = async (name: string) => {
      work.reads = 0
      work.hmacs = 0
      const basic = [name, importedGuess(1)] as const
      assertInvalidClient(await server.token('acme', { basic, clientAddress: freshAddress() }))
      return { ...work }
    }
    await cost('warm-up')
    const unknown = await cost('nobody')
    for (let time = 0; time < 3; time += 1) assert.deepEqual(await cost('old-sync'), unknown)
    assertToken(await server.token('acme', { basic: ['old-sync', imported] }))
    assert.deepEqual(await cost('old-sync'), unknown)
  })
})
