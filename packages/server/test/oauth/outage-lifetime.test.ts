// trust.md R5 and decision 0023: which tokens are given out while the database is gone, and how long they live.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { decodeJwt } from 'jose'
import { forEachStore, type StoreSuite, startTestServer, type TestReply } from '../harness.ts'
import { assertInvalidClient, assertToken, assertUnavailable, freshAddress } from './answers.ts'
import { lateFeed } from './late-feed.ts'
import { app, blueprint, type Part, restApi, tenant } from './sample.ts'

const endless = {
  token: { claims: { sub: '${client_id}', aud: '${audience}', iat: '${iat}' } },
  response: { members: { access_token: '${access_token}' } },
}
const text = blueprint(
  tenant('acme', [app('sync'), app('brief', { access_token_seconds: 120 })], { access_token_seconds: 3600 }),
  tenant('long', [app('sync')], { minimum_access_token_seconds: 3600, access_token_seconds: 7200 }),
  tenant('rsa', [app('sync')], { signing_algorithm: 'RS256' }),
  tenant('again', [app('sync')], { token_reuse: true }),
  tenant('endless', [app('sync'), app('modern', { dialect: 'standard' })], {
    ...{ dialect: endless, token_reuse: true },
  }),
  tenant('opaque', [app('sync')], { apis: [{ ...restApi, token_format: 'opaque' }] }),
)

interface Scene {
  readonly server: Awaited<ReturnType<typeof startTestServer>>
  ask(tenantId: string, appId?: string, more?: Part): Promise<TestReply>
  /** For so long nothing has been heard from the database; 0 is that it answers. */
  silence(seconds: number): void
}

async function startScene(t: TestContext, suite: StoreSuite): Promise<Scene> {
  let secondsLate = 0
  const doubles = lateFeed(() => secondsLate)
  const server = await startTestServer(t, suite, text, {}, doubles)
  return {
    server,
    ask: (tenantId, appId = 'sync', more = {}) =>
      server.token(tenantId, {
        basic: server.credential(tenantId, appId),
        clientAddress: freshAddress(),
        ...more,
      }),
    silence(seconds) {
      secondsLate = seconds
    },
  }
}

/** How long a fresh token lives, which its answer and its claims must agree on. */
function lifeOf(reply: TestReply): number {
  const { iat = 0, exp = 0 } = decodeJwt(assertToken(reply))
  assert.equal(reply.json.expires_in, exp - iat)
  return exp - iat
}

forEachStore((_engine, suite) => {
  test('trust R5: a token issued without the database lives five minutes at most, whoever wished it longer', async (t) => {
    const { ask, silence } = await startScene(t, suite)
    const lives = async () => [
      ...[lifeOf(await ask('acme')), lifeOf(await ask('acme', 'brief'))],
      ...[lifeOf(await ask('long')), lifeOf(await ask('rsa'))],
    ]
    assert.deepEqual(await lives(), [3600, 120, 7200, 600])
    silence(3)
    assert.deepEqual(await lives(), [3600, 120, 7200, 600])
    for (const seconds of [4, 600]) {
      silence(seconds)
      assert.deepEqual(await lives(), [300, 120, 300, 300], `${seconds} seconds of silence`)
    }
    silence(601)
    assertUnavailable(await ask('acme'))
    silence(0)
    assert.deepEqual(await lives(), [3600, 120, 7200, 600])
  })

  test('trust R5: an opaque token that can still be kept is as short', async (t) => {
    const { ask, silence } = await startScene(t, suite)
    assert.equal((await ask('opaque')).json.expires_in, 600)
    silence(10)
    assert.equal((await ask('opaque')).json.expires_in, 300)
  })

  test('trust R5: of a token that is kept no more than five minutes are given out', async (t) => {
    const { server, ask, silence } = await startScene(t, suite)
    const before = assertToken(await ask('again'))
    await server.advance(299)
    silence(10)
    const inside = await ask('again')
    assert.notEqual(assertToken(inside), before)
    assert.equal(lifeOf(inside), 300)
    assert.equal(assertToken(await ask('again')), assertToken(inside))
  })

  test('trust R5: a token that is kept and ends within five minutes is served again', async (t) => {
    const { server, ask, silence } = await startScene(t, suite)
    const before = assertToken(await ask('again'))
    await server.advance(300)
    silence(10)
    const inside = await ask('again')
    assert.equal(assertToken(inside), before)
    assert.equal(inside.json.expires_in, 300)
  })

  test('trust R5: a short token is served again afterwards, until a fifth of its own life is left', async (t) => {
    const { server, ask, silence } = await startScene(t, suite)
    await ask('again')
    silence(10)
    const inside = assertToken(await ask('again'))
    silence(0)
    await server.advance(239)
    const last = await ask('again')
    assert.deepEqual([assertToken(last), last.json.expires_in], [inside, 61])
    await server.advance(1)
    const after = await ask('again')
    assert.notEqual(assertToken(after), inside)
    assert.equal(lifeOf(after), 600)
  })

  test('trust R5: a short token is served no more once news of its app have come', async (t) => {
    const { server, ask, silence } = await startScene(t, suite)
    await ask('again')
    silence(10)
    const inside = assertToken(await ask('again'))
    const [clientId] = server.credential('again', 'sync')
    await server.db.write(async (tx) => tx.append({ tenantId: 'again', noun: 'app', subjectId: clientId }))
    silence(0)
    await server.advance(0)
    const after = await ask('again')
    assert.notEqual(assertToken(after), inside)
    assert.equal(lifeOf(after), 600)
  })

  test('trust R5: tokens without exp are not given out without the database, not even again', async (t) => {
    const { server, ask, silence } = await startScene(t, suite)
    const before = assertToken(await ask('endless'))
    assert.equal(decodeJwt(before).exp, undefined)
    silence(4)
    assertUnavailable(await ask('endless'))
    await server.advance(500)
    assertUnavailable(await ask('endless'))
    const [clientId] = server.credential('endless', 'sync')
    const wrong = await ask('endless', 'sync', { basic: [clientId, 'wrong'] })
    assertInvalidClient(wrong, 'https://localhost:8443/endless')
    // An app that has left the dialect gets what the standard says, which ends.
    assert.equal(lifeOf(await ask('endless', 'modern')), 300)
    silence(0)
    assert.equal(decodeJwt(assertToken(await ask('endless'))).exp, undefined)
  })
})
