/** A comparison is fair when everybody does the same work: each contestant must really issue the token it is measured for. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { accessTokenSeconds, audience, extraClaims, issuer, scope, tokenClaims } from '../src/claims.ts'
import { type Contestant, type Ground, startBaseline, startOidcProvider } from '../src/contestant.ts'
import { firstToken } from '../src/first-token.ts'
import { algorithms } from '../src/signers.ts'

function groundFor(t: TestContext): Ground {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-contestant-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return { node: process.execPath, folder }
}

async function tokenFrom(t: TestContext, contestant: Contestant) {
  t.after(() => contestant.stop())
  const response = await fetch(`http://127.0.0.1:${contestant.port}/token`, {
    method: 'POST',
    headers: {
      Authorization: `Basic ${readFileSync(contestant.plan.credentialsFile, 'latin1')}`,
      'X-Forwarded-Proto': 'https',
    },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
  })
  assert.equal(response.status, 200)
  assert.match(response.headers.get('cache-control') ?? '', /no-store/)
  const reply = (await response.json()) as { access_token: string }
  const { access_token: accessToken, ...rest } = reply
  const [header = '', claims = '', signature = ''] = accessToken.split('.')
  return { rest, header: decode(header), claims: decode(claims), signatureBytes: signature.length * 0.75 }
}

function decode(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString())
}

for (const algorithm of algorithms) {
  for (const name of ['node:http + one signature', 'oidc-provider']) {
    test(`RFC 9068 §2: ${name} issues a fresh at+jwt signed with ${algorithm}, with the claims of the others`, async (t) => {
      const ground = groundFor(t)
      const contestant =
        name === 'oidc-provider'
          ? await startOidcProvider(ground, algorithm)
          : await startBaseline(ground, 'signing', [algorithm])
      const { rest, header, claims, signatureBytes } = await tokenFrom(t, contestant)
      assert.deepEqual(rest, { token_type: 'Bearer', expires_in: accessTokenSeconds, scope })
      assert.deepEqual(header, { alg: algorithm, typ: 'at+jwt', kid: 'bench-key-1' })
      assert.equal(Math.floor(signatureBytes), algorithm === 'ES256' || algorithm === 'EdDSA' ? 64 : 256)
      const { iat, jti, client_id: clientId } = claims
      assert.deepEqual(claims, tokenClaims(String(clientId), String(jti), Number(iat)))
      assert.equal(claims.iss, issuer)
      assert.equal(claims.aud, audience)
      assert.equal(claims.plan, extraClaims.plan)
    })
  }
}

test('product, numbers to reach: the first token is waited for while nobody listens, and only a 200 ends the wait', async (t) => {
  const ground = groundFor(t)
  const contestant = await startBaseline(ground, 'constant')
  t.after(() => contestant.stop())
  await firstToken(contestant.port, contestant.plan)

  const port = await freePort()
  const waiting = firstToken(port, contestant.plan)
  const refusing = createServer((_, response) => response.writeHead(401).end('{"error":"invalid_client"}'))
  t.after(() => refusing.close())
  setImmediate(() => refusing.listen(port, '127.0.0.1'))
  await assert.rejects(waiting, /not a 200/)
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await once(server.close(), 'close')
  return port
}
