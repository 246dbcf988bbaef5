// trust.md R14 and part 1, rows 8 to 11, through the token endpoint: every way to prove who one is, restarts, nodes, proxies.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { type AuthenticationMethod, authenticationMethods } from '../../src/apps/authentication-methods.ts'
import {
  createTestServer,
  forEachStore,
  oneStore,
  type StoreSuite,
  startTestServer,
  type TestReply,
  type TestRequest,
  type TestServer,
} from '../harness.ts'
import { ask, startListener } from '../http/wire.ts'
import { assertInvalidClient, assertThrottled, assertToken, freshAddress, grant } from './answers.ts'
import { app, blueprint, tenant } from './sample.ts'
import { assertionClaims, makeKey, sign, withAssertion } from './signed.ts'

const imported = 'imported-secret-of-forty-characters-here'
const environment = { IMPORTED: imported }
const secretMethods = ['client_secret_basic', 'client_secret_post', 'client_secret_jwt']
const text = blueprint(
  tenant(
    'acme',
    [
      app('sync', { client_id: 'sync', client_authentication: secretMethods }),
      app('old-sync', {
        client_id: 'old-sync',
        client_authentication: secretMethods,
        credentials: [{ id: 'main', secret: { from_env: 'IMPORTED' } }],
      }),
    ],
    { dialect: { request: { query_credentials: { client_id: 'key', client_secret: 'secret' } } } },
  ),
)

const generatedGuess = (number: number) => `sp_test_${String(number).padStart(49, '0')}`
const count = (replies: readonly TestReply[], status: number) =>
  replies.filter((reply) => reply.status === status).length

type Send = (
  server: TestServer,
  clientId: string,
  secret: string,
  clientAddress: string,
) => Promise<TestReply>

function mac(server: TestServer, clientId: string, secret: string): string {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const input = `${encode({ alg: 'HS256' })}.${encode(assertionClaims(clientId, server.clock()))}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

const post =
  (request: (server: TestServer, clientId: string, secret: string) => Partial<TestRequest>): Send =>
  (server, clientId, secret, clientAddress) =>
    server.token('acme', { ...request(server, clientId, secret), clientAddress })

const nameOnly = post((_server, clientId) => ({ body: { ...grant, client_id: clientId } }))

const key = await makeKey()
const assertion =
  (changes: object): Send =>
  async (server, clientId, _secret, clientAddress) => {
    const claims = { ...assertionClaims(clientId, server.clock()), ...changes }
    const signed = withAssertion(await sign(key, claims), { client_id: clientId })
    return server.token('acme', { ...signed, clientAddress })
  }

/** A proof by each registered method, wrong unless the secret is right; a new method has no line here and does not compile. */
const ways = {
  client_secret_basic: post((_server, clientId, secret) => ({ basic: [clientId, secret] })),
  client_secret_post: post((_server, clientId, secret) => ({
    body: { ...grant, client_id: clientId, client_secret: secret },
  })),
  client_secret_query: (server, clientId, secret, clientAddress) =>
    server.request({
      ...{ method: 'POST', url: `/acme/oauth2/token?key=${clientId}&secret=${secret}`, body: grant },
      clientAddress,
    }),
  client_secret_jwt: post((server, clientId, secret) => withAssertion(mac(server, clientId, secret))),
  private_key_jwt: assertion({}),
  federation: assertion({ iss: 'https://issuer.example', sub: 'workload' }),
  tls_client_auth: nameOnly,
  self_signed_tls_client_auth: nameOnly,
  none: nameOnly,
} satisfies Readonly<Record<AuthenticationMethod | 'client_secret_query', Send>>

const takesSecret = (name: string): boolean =>
  name === 'client_secret_query' || authenticationMethods[name as AuthenticationMethod].needs === 'secret'
const secretWays = Object.entries(ways).filter(([name]) => takesSecret(name))

test('trust F8: ten wrong proofs of any method leave none to any other, and the right secret is still served', async (t) => {
  const server = await startTestServer(t, oneStore, text, environment)
  const [, generated] = server.credential('acme', 'sync')
  for (const [first, guess] of Object.entries(ways)) {
    for (const [clientId, guessed] of [
      ['sync', generatedGuess],
      ['old-sync', (number: number) => `${number}-wrong-secret-of-forty-characters-here`],
    ] as const) {
      const address = freshAddress()
      for (let number = 0; number < 10; number += 1)
        assertInvalidClient(await guess(server, clientId, guessed(number), address))
      for (const [second, next] of Object.entries(ways)) {
        const reply = await next(server, clientId, guessed(11), address)
        assert.equal(reply.status, 429, `${clientId}: ${second} after ${first}`)
        assertThrottled(reply)
      }
      for (const [second, way] of secretWays) {
        const isGenerated = clientId === 'sync'
        const here = await way(server, clientId, isGenerated ? generated : imported, address)
        assert.equal(here.status, isGenerated ? 200 : 429, `${clientId}: right ${second} after ${first}`)
        assertToken(await way(server, clientId, isGenerated ? generated : imported, freshAddress()))
      }
    }
  }
})

forEachStore((_engine, suite) => {
  test('trust F9, R14: of 200 wrong proofs at once of each way ten are evaluated, and a right short secret among them is not told', async (t) => {
    const server = await startTestServer(t, suite, text, environment)
    for (const [name, way] of secretWays) {
      for (const clientId of ['old-sync', 'nobody']) {
        const address = freshAddress()
        const guesses = Array.from({ length: 200 }, (_, number) =>
          way(server, clientId, number === 150 ? imported : `${number}-wrong-secret-of-forty-chars`, address),
        )
        const replies = await Promise.all(guesses)
        assert.equal(count(replies, 401), 10, name)
        assert.equal(count(replies, 429), 190, name)
        for (const reply of replies.slice(20)) assertThrottled(reply)
        assertToken(await way(server, 'sync', server.credential('acme', 'sync')[1], address))
      }
    }
  })

  test('trust R14: a restart forgives nothing, and forgets nobody who is right', async (t) => {
    const { start } = await prepareNodes(t, suite)
    const first = await start(text)
    const address = freshAddress()
    const secret = first.credential('acme', 'sync')[1]
    const guess = (server: TestServer, number: number) =>
      server.token('acme', { basic: ['sync', generatedGuess(number)], clientAddress: address })
    for (let number = 0; number < 7; number += 1) assertInvalidClient(await guess(first, number))
    await first.server.close()

    const second = await start()
    const replies = await Promise.all(Array.from({ length: 200 }, (_, number) => guess(second, 100 + number)))
    assert.equal(count(replies, 401), 3)
    assert.equal(count(replies, 429), 197)
    assertToken(await second.token('acme', { basic: ['sync', secret], clientAddress: address }))
    await second.server.close()

    const third = await start()
    assertThrottled(await guess(third, 400))
    await third.advance(60)
    assertInvalidClient(await guess(third, 401))
  })

  test('trust R14: two nodes asked at once, 200 wrong secrets each, evaluate twenty at the most, and hear of each other', async (t) => {
    const { start } = await prepareNodes(t, suite)
    const nodes = [await start(text), await start()]
    const clientAddress = freshAddress()
    const asking = nodes.flatMap((node) =>
      Array.from({ length: 200 }, (_, number) =>
        node.token('acme', { basic: ['old-sync', `${number}-wrong-secret`], clientAddress }),
      ),
    )
    assert.ok(count(await Promise.all(asking), 401) <= 20)
    await nodes[0]?.server.close()
    const third = await start()
    assertThrottled(await third.token('acme', { basic: ['old-sync', 'wrong'], clientAddress }))
    assertToken(await third.token('acme', { basic: ['old-sync', imported], clientAddress: freshAddress() }))
  })
})

/** Nodes over one database, each with a view of its own. */
async function prepareNodes(t: TestContext, suite: StoreSuite) {
  const nodes: TestServer[] = []
  t.after(async () => {
    for (const { server } of nodes) await server.close()
  })
  const { open, clock } = await suite.prepare(t)
  return {
    async start(...blueprints: readonly string[]): Promise<TestServer> {
      const node = await createTestServer({ db: await open(), clock, blueprints, environment })
      nodes.push(node)
      // From here on it knows what was counted before it began.
      await node.server.listen({ hosts: ['127.0.0.1'], port: 0 })
      return node
    },
  }
}

test('issue Throttle: a client library that tries the header and then the body has tried once', async (t) => {
  const server = await startTestServer(t, oneStore, text, environment)
  for (const clientId of ['sync', 'old-sync', 'nobody']) {
    const address = freshAddress()
    for (let number = 0; number < 9; number += 1) {
      const secret = generatedGuess(number)
      assertInvalidClient(await ways.client_secret_basic(server, clientId, secret, address))
      assertInvalidClient(await ways.client_secret_post(server, clientId, secret, address))
    }
    assertInvalidClient(await ways.client_secret_basic(server, clientId, generatedGuess(10), address))
    assertThrottled(await ways.client_secret_basic(server, clientId, generatedGuess(11), address))
  }
  // A secret that a header may mean in two ways, and the body in one of them.
  const address = freshAddress()
  for (let number = 0; number < 9; number += 1) {
    assertInvalidClient(await ways.client_secret_basic(server, 'sync', `${number}%41+wrong`, address))
    assertInvalidClient(await ways.client_secret_post(server, 'sync', `${number}%41+wrong`, address))
  }
  assertInvalidClient(await ways.client_secret_basic(server, 'sync', 'wrong', address))
  assertThrottled(await ways.client_secret_basic(server, 'sync', 'wronger', address))
})

test('trust F9: one wrong secret 200 times at once, at one place or at two, is stopped like many', async (t) => {
  const server = await startTestServer(t, oneStore, text, environment)
  const { client_secret_basic: header, client_secret_post: body } = ways
  for (const turns of [
    [header, header],
    [header, body],
  ]) {
    for (const secret of [generatedGuess(1), 'imported-guess-at-it']) {
      const address = freshAddress()
      const asking = Array.from({ length: 200 }, (_, number) =>
        (turns[number % 2] ?? header)(server, 'sync', secret, address),
      )
      const accepted = count(await Promise.all(asking), 401)
      assert.ok(accepted >= 10 && accepted <= 11, String(accepted))
    }
  }
})

test('trust F11, R14: behind a listed proxy the address that it saw counts, however it is written, and nothing left of it', async (t) => {
  const server = await startTestServer(t, oneStore, text, environment)
  const { handler } = server.server
  const { port } = await startListener(t, { handler, plainHandler: handler, proxies: ['127.0.0.1'] })
  const guess = async (forwardedFor: string) => {
    const { status } = await ask(
      port,
      [
        'POST /acme/oauth2/token HTTP/1.1',
        'Host: localhost:8443',
        'X-Forwarded-Proto: https',
        `X-Forwarded-For: ${forwardedFor}`,
        'Content-Type: application/x-www-form-urlencoded',
      ],
      'grant_type=client_credentials&client_id=old-sync&client_secret=wrong-wrong-wrong',
    )
    return status
  }
  const spoofed = (seen: string) => (_: unknown, index: number) => `10.0.0.${index}, ${seen}`
  const statuses = async (list: readonly string[]) => {
    const seen: number[] = []
    for (const one of list) seen.push(await guess(one))
    return seen
  }
  assert.deepEqual(await statuses(Array.from({ length: 9 }, spoofed('198.51.100.7'))), new Array(9).fill(401))
  assert.deepEqual(
    await statuses([
      '::ffff:198.51.100.7',
      '[::FFFF:c633:6407]:4711',
      '198.51.100.7:99',
      '1.1.1.1,198.51.100.7',
    ]),
    [401, 429, 429, 429],
  )
  assert.deepEqual(await statuses(['198.51.100.8', '198.51.100.7, 198.51.100.8']), [401, 401])
  const oneNetwork = Array.from({ length: 12 }, (_, index) => `2001:DB8:0:7::${index + 1}`)
  assert.deepEqual(await statuses(oneNetwork), [...new Array(10).fill(401), 429, 429])
  assert.deepEqual(await statuses(['2001:db8:0:8::1']), [401])
})

test('trust F8: wrong secrets count together, whichever endpoint they are tried at', async (t) => {
  const server = await startTestServer(t, oneStore, text, environment)
  const clientAddress = freshAddress()
  const send = (endpoint: string, secret: string) =>
    server.request({
      method: 'POST',
      url: `/acme/oauth2/${endpoint}`,
      basic: ['sync', secret],
      body: { ...grant, token: 'x' },
      clientAddress,
    })
  const endpoints = ['introspect', 'revoke', 'token']
  for (let guess = 0; guess < 10; guess++) {
    assertInvalidClient(await send(endpoints[guess % 3] ?? '', generatedGuess(guess)))
  }
  for (const [index, endpoint] of endpoints.entries()) {
    assertThrottled(await send(endpoint, generatedGuess(10 + index)))
  }
})
