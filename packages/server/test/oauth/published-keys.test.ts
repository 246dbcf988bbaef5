// Keys behind a URL: a client replaces them at its own `jwks_uri`, no assertion names another place, and the log tells of the place alone.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FetchJson } from '../../src/outbound/fetch-json.ts'
import { oneStore, startTestServer, type TestServer } from '../harness.ts'
import { assertInvalidClient, assertToken, freshAddress } from './answers.ts'
import { setCredential } from './rows.ts'
import { app, blueprint, type Part, proving, tenant } from './sample.ts'
import { assertionClaims, type Key, type Members, makeKey, sign, withAssertion } from './signed.ts'

const start = (t: Parameters<typeof startTestServer>[0], proof: Part, fetchJson: FetchJson) =>
  startTestServer(
    t,
    oneStore,
    blueprint(tenant('acme', [proving('robot', 'private_key_jwt', proof)])),
    {},
    { fetchJson },
  )

const send = async (server: TestServer, by: Key, header: Members = {}) =>
  server.token('acme', {
    ...withAssertion(await sign(by, assertionClaims('robot', server.clock()), header)),
    clientAddress: freshAddress(),
  })

async function startPublished(t: Parameters<typeof startTestServer>[0]) {
  const [first, second] = [await makeKey(), await makeKey('EdDSA')]
  const origin = { keys: [{ ...first.publicJwk, kid: 'one' }] as object[], fetches: 0 }
  const server = await start(t, { jwks_uri: 'https://robot.example/jwks' }, async (url) => {
    assert.equal(url, 'https://robot.example/jwks')
    origin.fetches += 1
    return { ok: true, value: { keys: origin.keys }, maxAgeSeconds: null }
  })
  return { server, origin, first, second }
}

test('trust 67, OpenID Connect Core §10.1.1: a client that publishes its keys replaces them without telling us', async (t) => {
  const { server, origin, first, second } = await startPublished(t)
  assertToken(await send(server, first, { kid: 'one' }))
  assertInvalidClient(await send(server, second, { kid: 'two' }))
  assert.equal(origin.fetches, 1)
  origin.keys = [{ ...second.publicJwk, kid: 'two' }]
  await server.advance(30)
  assertToken(await send(server, second, { kid: 'two' }))
  assertInvalidClient(await send(server, first, { kid: 'one' }))
})

test('trust 67, RFC 7515 §4.1.4: so does one whose assertions do not name their keys', async (t) => {
  const { server, origin, first, second } = await startPublished(t)
  assertToken(await send(server, first))
  assertInvalidClient(await send(server, second))
  assert.equal(origin.fetches, 1)
  origin.keys = [{ ...first.publicJwk, kid: 'one' }, second.publicJwk]
  await server.advance(30)
  assertToken(await send(server, first))
  assert.equal(origin.fetches, 1)
  for (const reply of await Promise.all([send(server, second), send(server, second)])) assertToken(reply)
  assert.equal(origin.fetches, 2)
  const stranger = await makeKey()
  for (let index = 0; index < 10; index++) assertInvalidClient(await send(server, stranger))
  assert.equal(origin.fetches, 2)
})

test('RFC 7515 §4.1.4: the key that an assertion names is tried before all that have no name', async (t) => {
  const { server, origin, first } = await startPublished(t)
  const nameless = await Promise.all(Array.from({ length: 10 }, async () => (await makeKey()).publicJwk))
  origin.keys = [...nameless, { ...first.publicJwk, kid: 'one' }]
  assertToken(await send(server, first, { kid: 'one' }))
  assertInvalidClient(await send(server, first))
})

test('RFC 7515 §4.1.4: so it is beside keys that are registered one by one, and of a key that stands there twice the one counts that may be used', async (t) => {
  const [named, twice] = [await makeKey(), await makeKey()]
  const nameless = await Promise.all(Array.from({ length: 9 }, () => makeKey()))
  const robot = app('robot', {
    client_id: 'robot',
    client_authentication: ['private_key_jwt'],
    credentials: [
      ...nameless.map(({ publicJwk }, index) => ({ id: `key-${index}`, public_key: publicJwk })),
      { id: 'old', public_key: { ...twice.publicJwk, kid: 'two' } },
      { id: 'published', jwks_uri: 'https://robot.example/jwks' },
    ],
  })
  const server = await startTestServer(
    t,
    oneStore,
    blueprint(tenant('acme', [robot])),
    {},
    {
      fetchJson: async () => ({
        ok: true,
        value: { keys: [twice.publicJwk, { ...named.publicJwk, kid: 'one' }] },
        maxAgeSeconds: null,
      }),
    },
  )
  assertToken(await send(server, named, { kid: 'one' }))
  await setCredential(server.db, 'acme', 'robot', 'old', { disabled_at: server.clock() })
  await server.advance(1)
  assertToken(await send(server, twice, { kid: 'two' }))
})

test('trust R12: however many keys one organization publishes, the keys of another stay known while their host is down', async (t) => {
  const key = await makeKey()
  const fifty = Array.from({ length: 50 }, (_, index) => ({ ...key.publicJwk, kid: `kid-${index}` }))
  const publishing = (id: string) => {
    const urls = Array.from({ length: 10 }, (_, index) => `https://flood.example/${id}/${index}`)
    const credentials = urls.map((jwks_uri, index) => ({ id: `url-${index}`, jwks_uri }))
    return app(id, { client_id: id, client_authentication: ['private_key_jwt'], credentials })
  }
  const flood = Array.from({ length: 21 }, (_, index) => `flood-${index}`)
  let isDown = false
  const server = await startTestServer(
    t,
    oneStore,
    blueprint(
      tenant('acme', [proving('robot', 'private_key_jwt', { jwks_uri: 'https://robot.example/jwks' })]),
      tenant('flood', flood.map(publishing)),
    ),
    {},
    {
      fetchJson: async (url) =>
        url.startsWith('https://flood.example/')
          ? { ok: true, value: { keys: fifty }, maxAgeSeconds: null }
          : isDown
            ? { ok: false, reason: 'it answers 503' }
            : { ok: true, value: { keys: [key.publicJwk] }, maxAgeSeconds: null },
    },
  )
  assertToken(await send(server, key))
  for (const id of flood) {
    const assertion = await sign(await makeKey(), assertionClaims(id, server.clock()), { kid: 'made-up' })
    const reply = await server.token('flood', { ...withAssertion(assertion), clientAddress: freshAddress() })
    assert.equal(reply.status, 401)
  }
  isDown = true
  assertToken(await send(server, key))
})

test('trust 52-53: no URL that an assertion brings along is asked', async (t) => {
  const [key, mine] = [await makeKey(), await makeKey()]
  const asked: string[] = []
  const server = await start(t, { public_key: { ...key.publicJwk, kid: 'one' } }, async (url) => {
    asked.push(url)
    return { ok: true, value: { keys: [mine.publicJwk] }, maxAgeSeconds: null }
  })
  const url = 'https://evil.example/keys'
  for (const header of [{ jku: url }, { x5u: url }, { kid: url }, { jku: url, x5u: url, kid: 'one' }])
    assertInvalidClient(await send(server, mine, header))
  assert.deepEqual(asked, [])
})

test('trust F27: of a key set that could not be had the log has the place, and nothing that stands behind it', async (t) => {
  const server = await start(t, { jwks_uri: 'https://robot.example/jwks?token=canary' }, async () => ({
    ok: false,
    reason: 'it answers 404',
  }))
  assertInvalidClient(await send(server, await makeKey()))
  const line = server.logLines.find(({ msg }) => msg === 'keys not fetched')
  assert.equal(line?.url, 'https://robot.example/jwks')
  assert.ok(!JSON.stringify(server.logLines).includes('canary'))
})
