// The client at a real server: the five platforms in their dialects, and a tenant that wants keys, proofs and nonces.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as oauth from 'oauth4webapi'
import { revoke } from '../../server/src/store/revocations.ts'
import { forEachStore, oneStore, startTestServer } from '../../server/test/harness.ts'
import { app, blueprint, tenant } from '../../server/test/oauth/sample.ts'
import { makeKey } from '../../server/test/oauth/signed.ts'
import { blueprintOf, type PlatformName } from '../../server/test/platforms/platforms.ts'
import { createClient } from '../src/index.ts'
import { bridgeTo, introspectedBy, startApi } from './real-server.ts'

/** An app of each platform, and how long its tokens live. */
const platforms: readonly (readonly [PlatformName, string, number | undefined])[] = [
  ['nanotrust', 'sensor-gateway', 21_600],
  ['nxtsoft', 'payment-poster', 3600],
  ['nitrobox', 'billing-sync', 300],
  ['token', 'my-app', undefined],
  ['tokenos', 'dashboard-reader', 600],
]

forEachStore((_engine, suite) => {
  test('document 002: at each platform one token serves many requests, and a cut-off costs one more', async (t) => {
    const server = await startTestServer(
      t,
      suite,
      platforms.map(([name]) => blueprintOf(name)),
    )
    for (const [name, appId, life] of platforms) {
      const { fetch, asked } = bridgeTo(server)
      const api = await startApi(t, introspectedBy(server, name))
      const [clientId, clientSecret] = server.credential(name, appId)
      const issuer = `https://localhost:8443/${name}`
      const { clock } = server
      const client = createClient({ issuer, clientId, clientSecret, origins: [api], fetch, clock })
      const ask = async () => assert.equal((await client.fetch(`${api}/things`)).status, 200, name)
      await Promise.all(Array.from({ length: 5 }, ask))
      for (let count = 0; count < 5; count++) await ask()
      const { tokenType, expiresAt } = await client.token()
      assert.deepEqual([tokenType, expiresAt], ['Bearer', life && server.clock() + life], name)
      assert.equal(asked.length, 2, 'metadata and one token')
      await server.db.write((tx) => revoke(tx, name, { kind: 'app', subjectId: clientId }))
      await server.advance(2)
      await ask()
      assert.equal(asked.length, 3, name)
    }
  })
})

test('document 002: a token that the server hands out again is renewed in time for a new one', async (t) => {
  const server = await startTestServer(t, oneStore, blueprintOf('nitrobox'))
  const { fetch, asked } = bridgeTo(server)
  const [clientId, clientSecret] = server.credential('nitrobox', 'billing-sync')
  const options = {
    issuer: 'https://localhost:8443/nitrobox',
    clientId,
    clientSecret,
    fetch,
    clock: server.clock,
  }
  const [first, second] = [createClient(options), createClient(options)]
  const { accessToken } = await first.token()
  await server.advance(31)
  const reused = await second.token()
  assert.deepEqual([reused.accessToken, reused.expiresAt], [accessToken, server.clock() + 269])
  const before = asked.length
  while (asked.length === before) {
    await server.advance(1)
    await second.token()
  }
  while ((await second.token()).accessToken === accessToken)
    await new Promise((resolve) => setImmediate(resolve))
  assert.equal(asked.length, before + 1)
})

test('RFC 7009 §2: what is revoked at the end of a process is dead at the API', async (t) => {
  const server = await startTestServer(t, oneStore, blueprintOf('tokenos'))
  const { fetch, asked } = bridgeTo(server)
  const api = await startApi(t, introspectedBy(server, 'tokenos'))
  const [clientId, clientSecret] = server.credential('tokenos', 'dashboard-reader')
  const issuer = 'https://localhost:8443/tokenos'
  const client = createClient({
    issuer,
    clientId,
    clientSecret,
    secretIn: 'body',
    fetch,
    clock: server.clock,
  })
  const headers = { Authorization: `Bearer ${(await client.token()).accessToken}` }
  assert.equal((await fetch(api, { headers })).status, 200)
  await client.revoke()
  assert.equal((await fetch(api, { headers })).status, 401)
  assert.equal(asked.at(-1), '/tokenos/oauth2/revoke')
})

test('RFC 7523 §3, RFC 9449 §8, §9: a key, bound tokens and nonces of both servers, at FAPI 2.0 strength', async (t) => {
  const key = await makeKey()
  const robot = app('robot', {
    client_id: 'robot',
    client_authentication: ['private_key_jwt'],
    credentials: [{ id: 'main', public_key: { ...key.publicJwk, kid: 'one' } }],
  })
  const settings = { security: 'fapi2', sender_constraint: 'dpop', dpop_nonce: 'required' }
  const server = await startTestServer(t, oneStore, blueprint(tenant('acme', [robot], settings)))
  const { fetch, asked } = bridgeTo(server)
  const issuer = 'https://localhost:8443/acme'
  const discovered = await fetch('https://localhost:8443/.well-known/oauth-authorization-server/acme')
  const metadata = await oauth.processDiscoveryResponse(new URL(issuer), discovered)
  let checked = 0
  const api: string = await startApi(t, async (request, response) => {
    const headers = new Headers(request.headers as Record<string, string>)
    const proof = headers.get('dpop')?.split('.')[1] ?? ''
    if (JSON.parse(Buffer.from(proof, 'base64url').toString()).nonce !== 'of-the-api') {
      const challenge = 'DPoP error="use_dpop_nonce", algs="ES256"'
      response.writeHead(401, { 'WWW-Authenticate': challenge, 'DPoP-Nonce': 'of-the-api' }).end()
      return false
    }
    const asSent = new Request(`${api}${request.url}`, { method: request.method ?? '', headers })
    const claims = await oauth.validateJwtAccessToken(metadata, asSent, 'https://api.acme.example', {
      requireDPoP: true,
      [oauth.clockSkew]: server.clock() - Math.floor(Date.now() / 1000),
      [oauth.customFetch]: fetch as never,
    })
    checked++
    return claims.client_id === 'robot'
  })
  const client = createClient({
    ...{ issuer, clientId: 'robot', privateKey: { key: key.privateKey, kid: 'one' }, dpop: true },
    ...{ scope: 'read', audience: 'https://api.acme.example', origins: [api], fetch, clock: server.clock },
  })
  for (let count = 0; count < 3; count++)
    assert.equal((await client.fetch(`${api}/things?page=${count}`)).status, 200)
  assert.equal((await client.fetch(`${api}/things`, { method: 'POST' })).status, 200)
  assert.equal(checked, 4)
  assert.equal(asked.filter((path) => path.endsWith('/token')).length, 2, 'one without a nonce, one with it')
})
