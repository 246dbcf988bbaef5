// RFC 9449 §7, RFC 8705 §3, trust 97-104: a management token that is bound is good for its holder alone.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { presentCertificate } from '../../src/certificates/presented.ts'
import type { ClientCertificate } from '../../src/http/client-certificate.ts'
import { issue } from '../certificates/issue.ts'
import { forEachStore, oneStore, type StoreSuite, startTestServer, type TestReply } from '../harness.ts'
import { type Key, type Members, makeKey, proof } from '../oauth/signed.ts'
import { assertProblem, change, manager, sample, startManaged } from './managed.ts'

const origin = 'https://localhost:8443'
const mtlsUrl = new URL('https://localhost:8444')
const path = '/manage/v1/tenants/acme'

const digestOf = (token: string) => createHash('sha256').update(token).digest('base64url')

/** An operator with a token that is bound to a DPoP key. */
async function start(t: TestContext, suite: StoreSuite = oneStore) {
  const server = await startTestServer(t, suite, sample, {}, { mtlsUrl })
  const operator = await manager(server)
  const app = `/tenants/system/apps/${operator.clientId}`
  const body = { secret: 'generated' }
  const { json: made } = await operator.call('POST', `${app}/credentials`, { body })
  const ask = (more: object) =>
    server.token('system', {
      basic: [operator.clientId, made.client_secret],
      body: { grant_type: 'client_credentials' },
      ...more,
    })
  const key = await makeKey()
  const htu = `${origin}/system/oauth2/token`
  const token: string = (await ask({ dpop: [await proof(key, server.clock(), { htu })] })).json.access_token
  const good = (changes: Members = {}, by: Key = key) =>
    proof(by, server.clock(), { htm: 'GET', htu: origin + path, ath: digestOf(token), ...changes })
  const show = (authorization: string, dpop: readonly string[] = [], more: object = {}) =>
    server.request({ method: 'GET', url: path, authorization: [authorization], dpop, ...more })
  return { server, operator, app, ask, key, token, good, show }
}

const challengeOf = ({ status, headers }: TestReply) => `${status} ${headers['WWW-Authenticate'] ?? ''}`

forEachStore((_engine, suite) => {
  test('RFC 9449 §7.1: a bound token is good with a proof for this call, once', async (t) => {
    const { token, good, show, server } = await start(t, suite)
    const one = await good()
    const replies = await Promise.all(Array.from({ length: 10 }, () => show(`DPoP ${token}`, [one])))
    assert.equal(replies.filter(({ status }) => status === 200).length, 1)
    const again = await show(`dpop ${token}`, [one])
    assert.match(challengeOf(again), /^401 DPoP .*error="invalid_dpop_proof", algs="ES256 /)
    assert.equal(JSON.parse(again.text).code, 'unauthenticated')
    assert.equal(server.logLines.at(-1)?.reason, 'proof used before')
    assert.equal((await show(`DPoP ${token}`, [await good()])).status, 200)
  })
})

test('trust 87-95: a proof of another key, token, method, URL or time is refused', async (t) => {
  const { token, good, show, server } = await start(t)
  const now = server.clock()
  const bad = [
    [await good(), await good()],
    ['x'],
    [await good({ htm: 'POST' })],
    [await good({ htu: `${origin}/manage/v1/tenants/umbrella` })],
    [await good({ htu: `https://evil.example${path}` })],
    [await good({ htu: `http://localhost:8443${path}` })],
    [await good({ iat: now - 3600 })],
    [await good({ ath: undefined })],
    [await good({ ath: digestOf(`${token}x`) })],
    [await good({ jti: undefined })],
  ]
  for (const dpop of bad) {
    const refused = await show(`DPoP ${token}`, dpop)
    assert.match(challengeOf(refused), /^401 DPoP .*error="invalid_dpop_proof"/)
  }
  const stranger = await show(`DPoP ${token}`, [await good({}, await makeKey())])
  assert.match(challengeOf(stranger), /^401 DPoP .*error="invalid_token"/)
  const elsewhere = await good({ htu: `${mtlsUrl.origin}${path}` })
  assert.equal((await show(`DPoP ${token}`, [elsewhere])).status, 200)
  const written = {
    ...{ method: 'POST', url: `${path}/organizations`, authorization: [`DPoP ${token}`] },
    ...{ headers: { 'content-type': 'application/json' }, body: '{"id":"bound","name":"Bound"}' },
  }
  const htu = `${origin}${path}/organizations`
  assert.equal((await server.request({ ...written, dpop: [await good({ htm: 'POST', htu })] })).status, 201)
})

test('RFC 6750 §3.1: whoever shows something that is no token is told which kinds there are, and of no error', async (t) => {
  const { show } = await start(t)
  const answer = await show('Basic eDp5')
  const challenge = answer.headers['WWW-Authenticate'] ?? ''
  assert.match(challenge, /^Bearer realm=.*, DPoP /)
  assert.ok(!challenge.includes('error'), challenge)
})

test('trust 97-98: a bound token shown as Bearer or without a proof, and a bearer token shown as DPoP, are refused', async (t) => {
  const { token, good, show, operator } = await start(t)
  const refused = [
    await show(`Bearer ${token}`),
    await show(`Bearer ${token}`, [await good()]),
    await show(`DPoP ${token}`),
    await show(`DPoP ${operator.token}`, [await good({ ath: digestOf(operator.token) })]),
  ]
  for (const answer of refused) {
    assert.match(challengeOf(answer), /^401 DPoP realm="[^"]+", error="invalid_token", algs="ES256 [^"]+"$/)
  }
  assert.equal((await show(`Bearer ${operator.token}`, [await good()])).status, 200)
})

test('RFC 9449 §7.2: whoever shows no token is told both schemes', async (t) => {
  const server = await startManaged(t, oneStore)
  await manager(server)
  const answer = await server.request({ method: 'GET', url: path })
  assert.match(challengeOf(answer), /^401 Bearer realm="[^"]+", DPoP realm="[^"]+", algs="ES256 [^"]+"$/)
})

test('RFC 6750 §3.1: who lacks a scope is told so under the scheme that was used', async (t) => {
  const { ask, key, server, good } = await start(t)
  const htu = `${origin}/system/oauth2/token`
  const weak = await ask({
    ...{ body: { grant_type: 'client_credentials', scope: 'read_apps' } },
    ...{ dpop: [await proof(key, server.clock(), { htu })] },
  })
  const token: string = weak.json.access_token
  const answer = await server.request({
    ...{ method: 'GET', url: path, authorization: [`DPoP ${token}`] },
    dpop: [await good({ ath: digestOf(token) })],
  })
  assert.match(challengeOf(answer), /^403 DPoP .*error="insufficient_scope", scope="read_tenants"/)
})

test('RFC 8705 §3, trust 104: a certificate-bound token needs its certificate', async (t) => {
  const { server, operator, app, ask, show } = await start(t)
  await manager(server)
  const constrained = await change(operator, app, { sender_constraint: 'mtls' })
  assert.equal(constrained.status, 200, constrained.text)
  const shown = ({ der }: { readonly der: Buffer }): ClientCertificate => presentCertificate(der, [])
  const certificate = shown(await issue(null, { name: 'CN=ops' }))
  const asked = await ask({ certificate })
  assert.equal(asked.status, 200, asked.text)
  const bound = `Bearer ${asked.json.access_token}`
  assert.equal((await show(bound, [], { certificate })).status, 200)
  const other = shown(await issue(null, { name: 'CN=ops' }))
  for (const wrong of [other, null, 'malformed'] as const) {
    const answer = await show(bound, [], { certificate: wrong })
    assert.match(challengeOf(answer), /^401 Bearer .*error="invalid_token"$/)
  }
})

test('trust F24: the last operator is not bound to what it may not have', async (t) => {
  const server = await startManaged(t, oneStore)
  const operator = await manager(server)
  const app = `/tenants/system/apps/${operator.clientId}`
  assertProblem(await change(operator, app, { sender_constraint: 'mtls' }), 409, 'conflict')
  await manager(server)
  assert.equal((await change(operator, app, { sender_constraint: 'dpop' })).status, 200)
})
