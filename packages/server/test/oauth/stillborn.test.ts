// decision 0013: nobody is handed a token that is dead already; the answer is 503 with the time until one would live.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { removeCredential } from '../../src/store/credentials.ts'
import { type NewRevocation, revoke } from '../../src/store/revocations.ts'
import {
  createTestServer,
  forEachStore,
  startTestServer,
  type TestReply,
  type TestServer,
} from '../harness.ts'
import { assertToken, assertUnavailable, freshAddress, grant } from './answers.ts'
import { assertActive, introspect, resourceServer, tokenOf } from './ends.ts'
import { assertExchanged, idp, startExchange } from './exchanges.ts'
import { app, blueprint, generated, tenant } from './sample.ts'

const ask = (server: TestServer, basic: readonly [string, string]) =>
  server.token('acme', { basic, body: grant, clientAddress: freshAddress() })

function assertComesBack(reply: TestReply, seconds: number): void {
  assertUnavailable(reply)
  assert.equal(reply.headers['Retry-After'], String(seconds))
}

const cutOff = (server: TestServer, revocation: NewRevocation) =>
  server.db.write((tx) => revoke(tx, 'acme', revocation))

forEachStore((_engine, suite) => {
  test('issue Watermarks: where tokens name no credential, the removal of one is over before the other gets a token', async (t) => {
    const claims = { sub: '${client_id}', iat: '${iat}', exp: '${exp}', aud: '${audience}' }
    const credentials = [...generated, { id: 'second', secret: 'generated' }]
    const sync = app('sync', { client_id: 'sync', credentials })
    const text = blueprint(tenant('acme', [sync, resourceServer], { dialect: { token: { claims } } }))
    const server = await startTestServer(t, suite, text)
    const second = server.credential('acme', 'sync', 'second')
    assertToken(await ask(server, second))
    await server.db.write((tx) => removeCredential(tx, 'acme', 'sync', 'main'))
    await server.advance(1)
    assertComesBack(await ask(server, second), 5)
    await server.advance(5)
    assertActive(await introspect(server, assertToken(await ask(server, second))))
  })

  test('issue Watermarks: a process that has just started knows what was cut off before its first token', async (t) => {
    const { open, clock } = await suite.prepare(t)
    const blueprints = [blueprint(tenant('acme', [app('sync', { client_id: 'sync' }), resourceServer]))]
    const one = await createTestServer({ db: await open(), clock, blueprints })
    await tokenOf(one)
    await cutOff(one, { kind: 'tenant', subjectId: 'acme', issuedUntil: clock() + 5 })
    const other = await createTestServer({ db: await open(), clock, blueprints: [] })
    t.after(() => Promise.all([one.server.close(), other.server.close()]))
    const basic = one.credential('acme', 'sync')
    for (const reply of await Promise.all([ask(one, basic), ask(other, basic), ask(other, basic)]))
      assertComesBack(reply, 6)
  })
})

test('RFC 7523 §3: an assertion that is told to come back has not been used', async (t) => {
  const { server, bear, assertion } = await startExchange(t)
  assertToken(await bear(await assertion()))
  await cutOff(server, { kind: 'app', subjectId: 'broker', issuedUntil: server.clock() + 5 })
  const late = await assertion()
  assertComesBack(await bear(late), 6)
  await server.advance(6)
  assertToken(await bear(late))
})

test('issue Watermarks: nor is a token for another that hangs on somebody who is cut off just now', async (t) => {
  const { server, of, exchange, bear, assertion } = await startExchange(t)
  const subject = await of('sync')
  assertExchanged(await exchange(subject))
  await server.advance(1)
  await cutOff(server, { kind: 'organization', subjectId: 'provider', issuedUntil: server.clock() + 5 })
  assertComesBack(await exchange(subject), 6)
  await server.advance(6)
  assertExchanged(await exchange(subject))
  await cutOff(server, { kind: 'user', subjectId: `${idp}#alice` })
  // Of an issuer whose clock is ahead.
  assertComesBack(await bear(await assertion({ iat: server.clock() + 2 })), 1)
})
