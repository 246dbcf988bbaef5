// The two example APIs as their customers meet them: each behind its guard, over HTTP, its issuer the in-process server.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { createMemoryLimits, type GuardOptions } from '@sallyport/guard'
import { Validator } from '@seriousme/openapi-schema-validator'
import { parse } from 'yaml'
import { createNotarizations } from '../../../../examples/notarizations/api.ts'
import { tokenPlatform } from '../../../../examples/notarizations/platform.ts'
import { createTransactions } from '../../../../examples/transactions/api.ts'
import { nxtsoftPlatform } from '../../../../examples/transactions/platform.ts'
import { readOpenApiEndpoints } from '../../../guard/src/routes/openapi.ts'
import { removeApp } from '../../src/store/apps.ts'
import { forEachStore, type StoreSuite, startTestServer, type TestServer } from '../harness.ts'
import { blueprintOf, changed, tokenOf } from '../platforms/platforms.ts'
import { guardOf, until } from './guarded.ts'

// An EC key is made at once, and nothing here depends on which it is.
const quick = (text: string) => changed(text, 'signing_algorithm: RS256', 'signing_algorithm: ES256')

const otherBank = `    organizations:
      - id: other-bank
        name: Other Bank
        apps:
          - id: other-poster
            name: Other poster
            scopes:
              transactions: [transactions/post]
            credentials:
              - id: main
                secret: generated

`
const texts = {
  token: quick(blueprintOf('token')),
  nxtsoft: quick(changed(blueprintOf('nxtsoft'), '    organizations:\n', otherBank)),
} as const

interface Asked {
  readonly token?: string
  readonly body?: unknown
}
interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers whose shape is what they assert
  readonly json: any
}
interface Running {
  readonly server: TestServer
  ask(endpoint: string, asked?: Asked): Promise<Answer>
  /** A token of its own, even for an app that has just had one. */
  token(appId: string): Promise<string>
}

async function running(
  t: TestContext,
  server: TestServer,
  tenantId: 'token' | 'nxtsoft',
  listener: RequestListener,
): Promise<Running> {
  const http = createServer(listener).listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.after(() => http.close())
  const { port } = http.address() as AddressInfo
  return {
    server,
    async ask(endpoint, { token, body } = {}) {
      const [method = '', path = ''] = endpoint.split(' ')
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
      return { status: response.status, headers: response.headers, json: await response.json() }
    },
    async token(appId) {
      await server.advance(1)
      return tokenOf(await server.token(tenantId, { basic: server.credential(tenantId, appId) }))
    },
  }
}

const doorOf = (t: TestContext, server: TestServer, tenantId: 'token' | 'nxtsoft') => {
  const platform: Pick<GuardOptions, 'audience' | 'endpoints' | 'tokens'> =
    tenantId === 'token' ? tokenPlatform : nxtsoftPlatform
  const limits = { store: createMemoryLimits({ elapsed: () => server.clock() * 1_000 }) }
  const resource = 'https://localhost:8451'
  return guardOf(t, server, { tenantId, apiApp: 'resource-server', ...platform, resource, limits }).guard
}

async function notarizations(t: TestContext, suite: StoreSuite): Promise<Running> {
  const server = await startTestServer(t, suite, texts.token)
  const app = createNotarizations(doorOf(t, server, 'token'))
  await app.ready()
  return running(t, server, 'token', app.routing)
}

async function transactions(t: TestContext, suite: StoreSuite): Promise<Running> {
  const server = await startTestServer(t, suite, texts.nxtsoft)
  return running(t, server, 'nxtsoft', createTransactions(doorOf(t, server, 'nxtsoft')))
}

const digest = 'a'.repeat(64)
const message = { reference: 'invoice-7', account: 'A-1', cents: 1250, currency: 'USD' }

forEachStore((engine, suite) => {
  test(`003-17: GET /notarizations/stamps with the lower-case header name authorization, by the scope notarization:* (${engine})`, async (t) => {
    const { ask, token } = await notarizations(t, suite)
    const { status, json } = await ask('GET /notarizations/stamps', { token: await token('my-app') })
    assert.deepEqual([status, json], [200, { stamps: [] }])
  })

  test(`003-19: a good token without proper access is 403, and the challenge names the scope it lacks (${engine})`, async (t) => {
    const { ask, token } = await notarizations(t, suite)
    const refused = await ask('GET /notarizations/stamps', { token: await token('storage-reader') })
    assert.deepEqual([refused.status, refused.json.error], [403, 'insufficient_scope'])
    const challenge = refused.headers.get('www-authenticate') ?? ''
    assert.match(challenge, /^Bearer .*error="insufficient_scope".* scope="notarization:read"/)
  })

  test(`003-20: the limit of an endpoint is one for all tokens of an app, and no other app's or endpoint's (${engine})`, async (t) => {
    const { ask, token } = await notarizations(t, suite)
    const [first, second] = [await token('my-app'), await token('my-app')]
    const stamp = (asking: string) => ask('POST /notarizations', { token: asking, body: { digest } })
    for (const [index, asking] of [...Array(5).fill(first), ...Array(5).fill(second)].entries()) {
      const made = await stamp(asking)
      assert.equal(made.status, 201)
      assert.match(made.headers.get('ratelimit') ?? '', new RegExp(`;r=${9 - index};`))
    }
    const refused = await stamp(second)
    assert.deepEqual([refused.status, refused.json.error], [429, 'rate_limited'])
    assert.equal(refused.headers.get('retry-after'), '60')
    assert.equal((await stamp(await token('stamp-reader'))).status, 201)
    assert.equal((await ask('GET /notarizations/stamps', { token: first })).json.stamps.length, 10)
  })

  test(`003-02: when its app is deleted the token that was good a moment ago is 401 (${engine})`, async (t) => {
    const { ask, token, server } = await notarizations(t, suite)
    const [ended, others] = [await token('my-app'), await token('stamp-reader')]
    const look = (asking: string) => ask('GET /notarizations/stamps', { token: asking })
    assert.equal((await look(ended)).status, 200)
    const [key] = server.credential('token', 'my-app')
    await server.db.write((tx) => removeApp(tx, 'token', key))
    await until(async () => (await look(ended)).status === 401)
    const refused = await look(ended)
    assert.deepEqual([refused.status, refused.json.error], [401, 'invalid_token'])
    assert.equal((await look(others)).status, 200)
  })

  test(`003-01: no customer sees the stamps of another (${engine})`, async (t) => {
    const { ask, token } = await notarizations(t, suite)
    const [mine, theirs] = [await token('my-app'), await token('stamp-reader')]
    const made = await ask('POST /notarizations', { token: mine, body: { digest } })
    const place = `GET /notarizations/stamps/${made.json.stamp}`
    assert.deepEqual((await ask(place, { token: mine })).json, made.json)
    assert.equal((await ask(place, { token: theirs })).status, 404)
    assert.deepEqual((await ask('GET /notarizations/stamps', { token: theirs })).json, { stamps: [] })
  })

  test(`000-17: every call has to show its token, whatever the one before has shown (${engine})`, async (t) => {
    const { ask, token } = await transactions(t, suite)
    const bearer = await token('payment-poster')
    const post = (asked: Asked) => ask('POST /transactions/post', { body: message, ...asked })
    assert.equal((await post({ token: bearer })).status, 201)
    const bare = await post({})
    assert.equal(bare.status, 401)
    assert.match(bare.headers.get('www-authenticate') ?? '', /^Bearer realm="[^"]+", resource_metadata=/)
    assert.equal((await post({ token: bearer })).status, 200)
  })

  test(`001-17: a token without aud opens the endpoint of its scope and no other (${engine})`, async (t) => {
    const { ask, token } = await transactions(t, suite)
    const [poster, checker] = [await token('payment-poster'), await token('message-checker')]
    const statuses = []
    for (const asking of [poster, checker])
      for (const endpoint of ['mock', 'post'])
        statuses.push((await ask(`POST /transactions/${endpoint}`, { token: asking, body: message })).status)
    assert.deepEqual(statuses, [403, 201, 200, 403])
  })

  test(`000-17, 001-17: two banks may call their transactions by one reference and never meet (${engine})`, async (t) => {
    const { ask, token } = await transactions(t, suite)
    const [one, other] = [await token('payment-poster'), await token('other-poster')]
    const post = (asking: string) => ask('POST /transactions/post', { token: asking, body: message })
    const [first, again, theirs] = [await post(one), await post(one), await post(other)]
    assert.deepEqual([first.status, again.status, theirs.status], [201, 200, 201])
    assert.equal(again.json.transaction, first.json.transaction)
    assert.notEqual(theirs.json.transaction, first.json.transaction)
  })

  test(`issue 6, 4: what is wrong with a request is said in JSON, and a token is asked for first (${engine})`, async (t) => {
    const { ask, token } = await transactions(t, suite)
    const bearer = await token('message-checker')
    const wrong = await ask('POST /transactions/mock', { token: bearer, body: { ...message, cents: 0 } })
    assert.deepEqual(
      [wrong.status, wrong.json],
      [422, { valid: false, problems: ['cents must be a whole number above 0'] }],
    )
    assert.equal((await ask('GET /health')).json.status, 'ok')
    assert.equal((await ask('POST /transactions/mock', { body: { ...message, cents: 0 } })).status, 401)
    assert.equal((await ask('GET /transactions/post', { token: bearer })).status, 405)
  })
})

const folder = new URL('../../../../examples/', import.meta.url)

for (const [name, tenantId] of [
  ['notarizations', 'token'],
  ['transactions', 'nxtsoft'],
] as const) {
  test(`issue 6, 4: openapi.yaml of ${name} is OpenAPI, and says of endpoints, scopes and limits what the tenant declares`, async () => {
    const document = parse(readFileSync(new URL(`${name}/openapi.yaml`, folder), 'utf8'))
    const { valid, errors } = await new Validator().validate(structuredClone(document))
    assert.ok(valid, JSON.stringify(errors))
    const { endpoints, unused } = readOpenApiEndpoints(document, { basePath: '' })
    assert.deepEqual(unused, [])
    const declared = parse(blueprintOf(tenantId)).tenants[0].apis[0].endpoints
    const open = [{ method: 'GET', path: '/health', isPublic: true }]
    assert.deepEqual(endpoints, [...open, ...declared])
  })
}
