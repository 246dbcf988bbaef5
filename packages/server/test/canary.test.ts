// trust.md part 1, row 27 and R23: after everything has been done to the server, no secret stands anywhere in clear.
import assert from 'node:assert/strict'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { SignJWT } from 'jose'
import { openSigningKey } from '../src/keys/signing-keys.ts'
import { listPeppers } from '../src/store/peppers.ts'
import { listSigningKeys } from '../src/store/signing-keys.ts'
import { type Canary, databaseBytes, findCanaries, ofBytes, ofText } from './canaries.ts'
import { basic, createTestServer, forEachStore, type TestReply, type TestServer } from './harness.ts'
import { freshAddress, grant } from './oauth/answers.ts'
import { setCredential, setDisabled } from './oauth/rows.ts'
import { app, blueprint, generated, restApi, tenant } from './oauth/sample.ts'
import { assertionClaims, makeKey, proof, sign, withAssertion } from './oauth/signed.ts'

const imported = 'an imported secret, 31 characters'
const hashed = 'a secret that only its owner has'
const hash = `sha256:${createHash('sha256').update(hashed).digest('base64url')}`

const dialect = {
  request: {
    ...{ token_path: '/auth/token', multipart: true, default_grant_type: 'client_credentials' },
    query_credentials: { client_id: 'key', client_secret: 'secret' },
  },
}
const apps = [
  app('sync'),
  app('old', { client_id: 'old', credentials: [{ id: 'main', secret: { from_env: 'IMPORTED' } }] }),
  app('hashed', { client_id: 'hashed', credentials: [{ id: 'main', secret: { hash } }] }),
]
const tenants = ['ES256', 'RS256', 'PS256', 'EdDSA'].map((algorithm) =>
  tenant(algorithm.toLowerCase(), apps, {
    signing_algorithm: algorithm,
    token_reuse: algorithm === 'EdDSA',
    // Or the first URL would end what the others are to show.
    ...(algorithm !== 'ES256' && { exposed_secrets: 'flag' }),
  }),
)
const methods = ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt']
const key = await makeKey()
const credentials = [...generated, { id: 'key', public_key: key.publicJwk }]
const signed = tenant(
  'signed',
  [
    app('sync', { client_authentication: methods, credentials }),
    app('api', { scopes: {}, introspects: ['rest'] }),
  ],
  { apis: [{ ...restApi, token_format: 'opaque' }], exposed_secrets: 'flag' },
)
const text = blueprint(
  ...tenants,
  signed,
  tenant('dialect', apps, { dialect, apis: [{ ...restApi, signing_algorithm: 'HS512' }] }),
)

/** Right, wrong, in the wrong place, malformed, too often, switched off: one request of each kind and tenant. */
async function exercise(server: TestServer): Promise<TestReply[]> {
  const replies: TestReply[] = []
  for (const id of [...tenants.map((each) => String(each.id)), 'dialect']) {
    const sync = server.credential(id, 'sync')
    const [clientId, clientSecret] = sync
    const url = `/${id}/oauth2/token`
    const clientAddress = freshAddress()
    const post = async (
      request: Omit<Parameters<TestServer['request']>[0], 'url'> & { readonly url?: string },
    ) => {
      replies.push(await server.request({ method: 'POST', url, clientAddress, ...request }))
    }
    const credentials: readonly (readonly [string, string])[] = [sync, ['old', imported], ['hashed', hashed]]
    for (const credential of credentials) {
      await post({ basic: credential, body: grant })
      await post({ body: { ...grant, client_id: credential[0], client_secret: credential[1] } })
      for (const names of [
        ['client_id', 'client_secret'],
        ['key', 'secret'],
      ] as const) {
        const query = new URLSearchParams({ [names[0]]: credential[0], [names[1]]: credential[1] })
        await post({ url: `${url}?${query}`, body: grant })
        await post({ url: `/${id}/auth/token?${query}` })
      }
      // In places where only a mistake puts it.
      await post({ authorization: [`Bearer ${credential[1]}`], body: grant })
      await post({ authorization: [basic(credential[1], credential[0])], body: grant })
      await post({ authorization: [basic(...credential), basic(...credential)], body: grant })
      await post({
        basic: credential,
        body: `{"client_secret":"${credential[1]}"}`,
        headers: { 'content-type': 'application/json' },
      })
      await post({ basic: credential, body: { ...grant, [credential[1]]: 'x' } })
      await post({ basic: credential, body: { ...grant, client_secret: credential[1] } })
    }
    const places = ['grant_type', 'scope', 'resource', 'audience', 'client_id', 'username', 'token'] as const
    for (const place of places) {
      for (const secret of [clientSecret, imported, hashed]) {
        await post({ basic: sync, body: { ...grant, [place]: secret } })
        await post({ basic: sync, body: { ...grant, [place]: secret.replaceAll(' ', '-') } })
      }
    }
    await post({ basic: sync, body: { ...grant, scope: 'nothing of this' } })
    await post({ basic: [clientId, `${clientSecret}x`], body: grant })
    await post({ basic: [`${clientId}x`, clientSecret], body: grant })
    for (let number = 0; number < 12; number += 1)
      await post({ basic: ['old', `${imported}${number}`], body: grant })
    await post({ url: `/${id}/${clientSecret}`, body: grant })
    await post({ url: `/${clientSecret}/oauth2/token`, body: grant })
    for (const path of ['/oauth2/jwks', '/.well-known/openid-configuration', '/oauth2/token', '/nothing']) {
      replies.push(await server.request({ url: `/${id}${path}?client_secret=${clientSecret}` }))
    }
    await setDisabled(server.db, 'app', id, clientId, 1)
    await post({ basic: sync, body: grant })
    await setDisabled(server.db, 'app', id, clientId, null)
    await setCredential(server.db, id, clientId, 'main', { expires_at: 1 })
    await post({ basic: sync, body: grant })
  }
  return replies
}

/** Assertions, proofs and opaque tokens: right, repeated, broken, and where only a mistake puts them. */
async function exerciseSigned(server: TestServer): Promise<{ replies: TestReply[]; brought: string[] }> {
  const sync = server.credential('signed', 'sync')
  const [clientId, clientSecret] = sync
  const proofKey = await makeKey()
  const claims = () => assertionClaims(clientId, server.clock(), { aud: 'https://localhost:8443/signed' })
  const mac = await new SignJWT(claims() as Record<string, unknown>)
    .setProtectedHeader({ alg: 'HS256' })
    .sign(new TextEncoder().encode(clientSecret))
  const dpop = await proof(proofKey, server.clock(), { htu: 'https://localhost:8443/signed/oauth2/token' })
  const brought = [await sign(key, claims()), mac, dpop]
  const replies: TestReply[] = []
  const ask = async (request: Omit<Parameters<TestServer['request']>[0], 'url'>, path = 'token') => {
    const url = `/signed/oauth2/${path}`
    const reply = await server.request({ method: 'POST', clientAddress: freshAddress(), ...request, url })
    replies.push(reply)
    return reply
  }
  const [assertion = ''] = brought
  for (const one of [assertion, mac]) {
    const broken = `${one.slice(0, -8)}AAAAAAAA`
    for (const text of [one, one, broken]) await ask({ ...withAssertion(text), dpop: [dpop] })
    await ask(withAssertion(one, { client_secret: clientSecret, client_id: clientId }))
    await ask({ basic: sync, body: { ...grant, scope: one } })
    await ask({ basic: [one, one], body: grant })
  }
  const { json } = await ask({ basic: sync, body: grant })
  brought.push(json.access_token)
  const api = server.credential('signed', 'api')
  for (const token of [json.access_token, clientSecret, assertion]) {
    await ask({ basic: api, body: { token } }, 'introspect')
    await ask({ basic: sync, body: { token } }, 'revoke')
    await ask({ basic: api, body: { after: token } }, 'revocations')
    await ask({ basic: api, body: { token, token_type_hint: token } }, 'introspect')
  }
  return { replies, brought }
}

async function collectCanaries(
  server: TestServer,
  masterKey: Buffer,
  tokens: readonly string[],
): Promise<Canary[]> {
  const { db, store } = server
  const canaries = [
    ...[ofText('the imported secret', imported), ofText('the hashed secret', hashed)],
    ...[imported, hashed].map((secret) => ofText('a secret without blanks', secret.replaceAll(' ', '-'))),
    ofBytes('the master key', masterKey),
  ]
  for (const id of [...tenants.map((each) => String(each.id)), 'dialect', 'signed']) {
    canaries.push(ofText(`the secret of ${id}`, server.credential(id, 'sync')[1]))
    for (const record of await listSigningKeys(db, id)) {
      const key = openSigningKey(store.sealer, id, record)
      const { d, p, k } = key.export({ format: 'jwk' })
      for (const [part, value] of Object.entries({ d, p, k })) {
        if (value !== undefined)
          canaries.push(
            ofBytes(`${part} of ${id}'s ${record.algorithm} key`, Buffer.from(value, 'base64url')),
          )
      }
    }
  }
  for (const pepper of await listPeppers(db)) {
    canaries.push(ofBytes('the pepper', store.sealer.open(pepper.sealed, `pepper ${pepper.version}`)))
  }
  for (const token of new Set(tokens)) {
    canaries.push(ofText('a token', token))
    const [, , signature] = token.split('.')
    if (signature !== undefined) canaries.push(ofBytes('a signature', Buffer.from(signature, 'base64url')))
  }
  return canaries
}

forEachStore((_engine, suite) => {
  test('trust F27, R23: no secret, token, private key, pepper or master key is found in logs, metrics, answers or the database', async (t) => {
    const ending: { server?: TestServer } = {}
    t.after(() => ending.server?.server.close())
    const { open, clock, location } = await suite.prepare(t)
    const masterKey = randomBytes(32)
    const server = await createTestServer({
      db: await open(),
      clock,
      blueprints: [text],
      environment: { IMPORTED: imported },
      doubles: { masterKey, effects: (effects) => ({ ...effects, random: randomBytes, uuid: randomUUID }) },
    })
    ending.server = server
    const ofSigned = await exerciseSigned(server)
    const replies = [...(await exercise(server)), ...ofSigned.replies]
    const issued = replies.filter(({ status }) => status === 200 && replies.length > 0)
    const tokens = issued.flatMap(({ json }) =>
      json?.access_token === undefined ? [] : [String(json.access_token)],
    )
    assert.ok(tokens.length >= 30, `${tokens.length} tokens`)
    assert.ok(
      new Set(replies.map(({ status }) => status)).size >= 6,
      'the run did not meet every kind of answer',
    )

    const canaries = await collectCanaries(server, masterKey, [...tokens, ...ofSigned.brought])
    assert.ok(canaries.length > 60)
    const metrics = await server.server.metrics.render()
    assert.match(metrics.body, /sallyport_token_requests_total\{tenant="dialect"/)
    // Writes that the answers did not wait for, and the counters, are in the database as well.
    await server.server.close()
    const db = await open()
    const texts = replies.map(({ headers, text, json }) => ({
      headers,
      text: json?.access_token === undefined ? text : '',
    }))
    const haystacks = new Map([
      ['the log', Buffer.from(JSON.stringify(server.logLines))],
      ['the metrics', Buffer.from(metrics.body)],
      ['the answers', Buffer.from(JSON.stringify(texts))],
      ['the database', await databaseBytes(db, location)],
    ])
    assert.ok((haystacks.get('the log')?.length ?? 0) > 10_000)
    assert.ok((haystacks.get('the database')?.length ?? 0) > 5_000)
    assert.deepEqual(findCanaries(canaries, haystacks), [])

    // The search itself is sound: everything planted is found, in each place and form, and a row through the store.
    for (const { name, forms } of canaries) {
      for (const form of forms) {
        const planted = new Map(
          [...haystacks].map(([place, bytes]) => [place, Buffer.concat([bytes, form, bytes])]),
        )
        assert.equal(findCanaries([{ name, forms: [form] }], planted).length, haystacks.size)
      }
    }
    const [first] = canaries
    assert.ok(first)
    await db.write(async (tx) => {
      await tx.kysely.updateTable('tenants').set({ name: imported }).where('id', '=', 'dialect').execute()
    })
    const stolen = new Map([['the database', await databaseBytes(db, location)]])
    assert.deepEqual(findCanaries(canaries, stolen), ['the imported secret in the database'])
  })
})
