/** A comparison is fair when everybody does the same work: each contestant must really issue the token it is measured for. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { tenantOf } from '../src/blueprint.ts'
import { accessTokenSeconds, audience, extraClaims, issuer, scope, tokenClaims } from '../src/claims.ts'
import { type DrawnContestant, type Ground, startBaseline, startOidcProvider } from '../src/contestant.ts'
import { firstToken } from '../src/first-token.ts'
import { prepareData } from '../src/prepared-data.ts'
import { createScene } from '../src/row.ts'
import { rows } from '../src/rows.ts'
import { startSallyport } from '../src/sallyport.ts'
import { type Algorithm, algorithms } from '../src/signers.ts'

function groundFor(t: TestContext): Ground {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-contestant-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return { node: process.execPath, folder, dataFolder: folder }
}

async function tokenFrom(t: TestContext, contestant: DrawnContestant) {
  t.after(() => contestant.stop())
  const { port, plan } = contestant
  const [, path] = plan.before.split(' ')
  const credential = readFileSync(plan.credentialsFile, 'latin1').slice(0, plan.credentialBytes)
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: {
      Authorization: `Basic ${credential}`,
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

const starts = {
  'node:http + one signature': (ground: Ground, algorithm: Algorithm) =>
    startBaseline(ground, 'signing', [algorithm]),
  'oidc-provider': startOidcProvider,
  Sallyport: async (ground: Ground, algorithm: Algorithm) =>
    startSallyport({
      ground,
      data: await prepareData(ground.dataFolder, 3),
      tenant: tenantOf(algorithm),
      successLog: true,
    }),
} as const

for (const algorithm of algorithms) {
  for (const name of ['node:http + one signature', 'oidc-provider', 'Sallyport'] as const) {
    test(`RFC 9068 §2: ${name} issues a fresh at+jwt signed with ${algorithm}, with the claims of the others`, async (t) => {
      const ground = groundFor(t)
      const contestant = await starts[name](ground, algorithm)
      const { rest, header, claims, signatureBytes } = await tokenFrom(t, contestant)
      assert.deepEqual(rest, { token_type: 'Bearer', expires_in: accessTokenSeconds, scope })
      const { kid, ...others } = header
      assert.deepEqual(others, { alg: algorithm, typ: 'at+jwt' })
      assert.ok(typeof kid === 'string' && kid.length > 0)
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

test('product, numbers to reach: token reuse serves one token to one app, and every app of the list has its own', async (t) => {
  const ground = groundFor(t)
  const data = await prepareData(ground.dataFolder, 3)
  const contestant = await startSallyport({ ground, data, tenant: 'reuse', successLog: true })
  t.after(() => contestant.stop())
  const { file, bytes } = data.credentials.reuse
  const credentials = readFileSync(file, 'latin1').match(new RegExp(`.{${bytes}}`, 'g')) ?? []
  assert.equal(credentials.length, 3)
  const tokens: unknown[] = []
  for (const credential of [...credentials, ...credentials]) {
    const response = await fetch(`http://127.0.0.1:${contestant.port}/reuse/oauth2/token`, {
      method: 'POST',
      headers: { Authorization: `Basic ${credential}`, 'X-Forwarded-Proto': 'https' },
      body: new URLSearchParams({ grant_type: 'client_credentials', scope }),
    })
    tokens.push(((await response.json()) as { access_token: string }).access_token)
  }
  assert.equal(new Set(tokens).size, 3)
  assert.deepEqual(tokens.slice(0, 3), tokens.slice(3))
})

for (const name of ['introspect-jwt', 'introspect-opaque'] as const) {
  test(`RFC 7662 §2.2: whoever is measured in ${name} tells the same of a token of its pool`, async (t) => {
    const ground = groundFor(t)
    const row = rows.find((one) => one.name === name)
    assert.ok(row?.kind === 'throughput')
    const scene = createScene(ground, 3)
    for (const entry of row.entries.filter((one) => one.name !== 'node:http constant')) {
      const contestant = await entry.start(scene)
      t.after(() => contestant.stop())
      const { plan, port } = contestant
      assert.ok('credentialsFile' in plan)
      const token = readFileSync(plan.credentialsFile, 'latin1').slice(0, plan.credentialBytes)
      const response = await fetch(`http://127.0.0.1:${port}${plan.before.split(' ')[1]}`, {
        method: 'POST',
        headers: {
          Authorization: /Authorization: (.*)\r/.exec(plan.before)?.[1] ?? '',
          'X-Forwarded-Proto': 'https',
        },
        body: new URLSearchParams({ token }),
      })
      const told = (await response.json()) as Record<string, unknown>
      const { active, token_type: type, aud, scope: toldScope } = told
      assert.deepEqual([active, type, aud, toldScope], [true, 'Bearer', audience, scope], entry.name)
      for (const [claim, value] of Object.entries(extraClaims)) assert.equal(told[claim], value, entry.name)
    }
  })
}

test('bench: a prepared data folder is made once, and again when it has been moved', async (t) => {
  const { folder } = groundFor(t)
  const first = await prepareData(join(folder, 'here'), 3)
  const again = await prepareData(join(folder, 'here'), 3)
  assert.equal(again.masterKey, first.masterKey)
  renameSync(join(folder, 'here'), join(folder, 'there'))
  const moved = await prepareData(join(folder, 'there'), 3)
  assert.notEqual(moved.masterKey, first.masterKey)
  assert.ok(moved.dataFolder.startsWith(join(folder, 'there')))
})
