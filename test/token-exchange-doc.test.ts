/** docs/token-exchange.md is true: its blueprint is applied, its commands are sent, its answers and refusals come back. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FetchJson } from '../packages/server/src/outbound/fetch-json.ts'
import { oneStore, startTestServer, type TestReply } from '../packages/server/test/harness.ts'
import { assertToken } from '../packages/server/test/oauth/answers.ts'
import { claimsOf, freshId, makeKey, sign } from '../packages/server/test/oauth/signed.ts'
import { assertShape, blocksIn, textOf } from './document-commands.ts'

const document = 'docs/token-exchange.md'
const [blueprint = ''] = blocksIn(document, 'yaml')
const [exchange = '', bring = ''] = blocksIn(document, 'console')
const [exchanged = '', brought = ''] = blocksIn(document, 'json')
const idp = 'https://idp.example'

/** The `-d` parameters of a curl command. */
const formOf = (command: string): Record<string, string> =>
  Object.fromEntries(
    [...command.matchAll(/ -d ([a-z_]+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]),
  )

test('docs/token-exchange.md: the blueprint that it shows is the example that it applies', () => {
  assert.ok(textOf('docs/examples/exchange.yaml').endsWith(`.\n${blueprint}`))
})

test('docs/token-exchange.md: the blueprint, both commands and their answers are as it says', async (t) => {
  const key = await makeKey()
  const documents: Record<string, Readonly<Record<string, unknown>>> = {
    [`${idp}/.well-known/openid-configuration`]: { issuer: idp, jwks_uri: `${idp}/keys` },
    [`${idp}/keys`]: { keys: [key.publicJwk] },
  }
  const fetchJson: FetchJson = async (url) => {
    const value = documents[url]
    return value ? { ok: true, value, maxAgeSeconds: null } : { ok: false, reason: 'it answers 404' }
  }
  const server = await startTestServer(t, oneStore, blueprint, {}, { fetchJson })
  const send = (command: string, changes: Record<string, string>, app = 'orders'): Promise<TestReply> =>
    server.token('shop', { basic: server.credential('shop', app), body: { ...formOf(command), ...changes } })
  const web = await server.token('shop', { basic: server.credential('shop', 'web') })
  const token = assertToken(web)
  const reply = await send(exchange, { subject_token: token })
  assertToken(reply)
  assertShape(reply.text, exchanged)
  const [webId] = server.credential('shop', 'web')
  const [ordersId] = server.credential('shop', 'orders')
  const { sub, org_id: organization, act, client_id: clientId } = claimsOf(reply)
  assert.deepEqual([sub, organization, act, clientId], [webId, 'customer', { sub: ordersId }, ordersId])
  const now = server.clock()
  const aud = 'https://localhost:8443/shop'
  const assertion = await sign(key, {
    iss: idp,
    sub: 'alice',
    aud,
    exp: now + 3_600,
    iat: now,
    jti: freshId(),
  })
  const bore = await send(bring, { assertion })
  assertToken(bore)
  assertShape(bore.text, brought)
  assert.equal(claimsOf(bore).sub, `${idp}#alice`)

  const shown = new Set([...textOf(document).matchAll(/^\| (\d{3} `\w+`) \|/gm)].map(([, answer]) => answer))
  const refusals = [
    await send(bring, { grant_type: 'urn:ietf:params:oauth:grant-type:device_code' }),
    await send(exchange, { subject_token: token }, 'web'),
    await send(exchange, { subject_token: 'garbage' }),
    await send(bring, { assertion }),
    await send(exchange, { subject_token: token, resource: 'https://unknown.example' }),
    await send(exchange, { subject_token: token, scope: 'stock/write' }),
    await server.token('shop', { basic: [ordersId, 'wrong'], body: formOf(exchange) }),
  ]
  assert.deepEqual(
    refusals.map(({ status, json }) => `${status} \`${json.error}\``),
    [...shown],
  )
})
