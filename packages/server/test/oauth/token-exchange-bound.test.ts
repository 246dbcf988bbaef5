/** RFC 8693 with RFC 9449 and RFC 8705: a bound token is exchanged by whoever holds its key, and stays bound. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calculateJwkThumbprint } from 'jose'
import { presentCertificate } from '../../src/certificates/presented.ts'
import { issue } from '../certificates/issue.ts'
import { assertError, assertToken } from './answers.ts'
import { accessTokenType, assertExchanged, startExchange } from './exchanges.ts'
import { claimsOf, makeKey, proof } from './signed.ts'

test('RFC 9449, RFC 8705, trust F29: what is bound is exchanged by whoever holds the key, and stays bound', async (t) => {
  const { server, of, exchange } = await startExchange(t)
  const [key, other] = [await makeKey(), await makeKey()]
  const jkt = await calculateJwkThumbprint(key.publicJwk, 'sha256')
  const by = async (one: typeof key) => ({ dpop: [await proof(one, server.clock())] })
  const basic = server.credential('acme', 'sync')
  const bound = assertToken(await server.token('acme', { basic, ...(await by(key)) }))
  assertError(await exchange(bound), 'invalid_request')
  assertError(await exchange(bound, {}, await by(other)), 'invalid_request')
  const reply = await exchange(bound, {}, await by(key))
  assertExchanged(reply)
  assert.deepEqual([reply.json.token_type, claimsOf(reply).cnf], ['DPoP', { jkt }])
  assertExchanged(await exchange(await of('sync'), {}, await by(other)))
})

test('RFC 9449, trust F29: so is the token of whoever acts', async (t) => {
  const { server, of, exchange } = await startExchange(t, { policy: { actors: ['other'] } })
  const [key, stranger] = [await makeKey(), await makeKey()]
  const by = async (one: typeof key) => ({ dpop: [await proof(one, server.clock())] })
  const basic = server.credential('acme', 'other')
  const actor = assertToken(await server.token('acme', { basic, ...(await by(key)) }))
  const subject = await of('sync')
  const acting = { actor_token: actor, actor_token_type: accessTokenType }
  assertError(await exchange(subject, acting), 'invalid_request')
  assertError(await exchange(subject, acting, await by(stranger)), 'invalid_request')
  assertExchanged(await exchange(subject, acting, await by(key)))
})

test('RFC 8705 §3, trust F29: a certificate that a token is bound to must be the one of the connection', async (t) => {
  const { server, exchange } = await startExchange(t, { sync: { sender_constraint: 'mtls' } })
  const shown = async (name: string) => {
    const { der } = await issue(null, { name })
    return { certificate: presentCertificate(der, []) }
  }
  const [mine, other] = [await shown('CN=sync'), await shown('CN=other')]
  const basic = server.credential('acme', 'sync')
  const reply = await server.token('acme', { basic, ...mine })
  const bound = assertToken(reply)
  assertError(await exchange(bound), 'invalid_request')
  assertError(await exchange(bound, {}, other), 'invalid_request')
  const exchanged = await exchange(bound, {}, mine)
  assertExchanged(exchanged)
  assert.deepEqual(claimsOf(exchanged).cnf, claimsOf(reply).cnf)
})
