/** docs/client-library.md is true: its samples, and those of the docstrings, compile and run against a real server. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { exportPKCS8 } from 'jose'
import { bridgeTo } from '../packages/client/test/real-server.ts'
import { type Effects, systemEffects } from '../packages/server/src/effects.ts'
import { oneStore, startTestServer, type TestServer } from '../packages/server/test/harness.ts'
import { app, blueprint, tenant } from '../packages/server/test/oauth/sample.ts'
import { makeKey } from '../packages/server/test/oauth/signed.ts'
import { blocksIn, textOf } from './document-commands.ts'
import { assertCompile, docstringSamples, writeSamples } from './document-samples.ts'

const document = 'docs/client-library.md'
const samples = [...blocksIn(document, 'ts'), ...docstringSamples('packages/client/src/*.ts')]

const audience = 'https://api.example.com'

async function startServer(t: TestContext): Promise<TestServer> {
  const key = await makeKey()
  const apis = [{ id: 'rest', audience, scopes: { 'invoices/read': 'Read invoices' } }]
  const sync = app('sync', {
    scopes: { rest: ['invoices/read'] },
    client_authentication: ['client_secret_basic', 'private_key_jwt'],
    credentials: [
      { id: 'main', secret: 'generated' },
      { id: 'key', public_key: key.publicJwk },
    ],
  })
  const apps = [sync, app('api', { scopes: {}, introspects: ['rest'] })]
  const { clock, wallClock } = systemEffects
  const effects = { effects: (ours: Effects): Effects => ({ ...ours, clock, wallClock }) }
  const server = await startTestServer(t, oneStore, blueprint(tenant('acme', apps, { apis })), {}, effects)
  const [CLIENT_ID, CLIENT_SECRET] = server.credential('acme', 'sync')
  const environment = {
    ...{ CLIENT_ID, CLIENT_SECRET },
    PRIVATE_KEY: await exportPKCS8(key.privateKey),
  }
  Object.assign(process.env, environment)
  t.after(() => {
    for (const name of Object.keys(environment)) delete process.env[name]
  })
  return server
}

/** The API of the document: it takes the tokens that the server calls active, and says how often it did. */
function playApi(t: TestContext, server: TestServer): { readonly served: () => number } {
  const { fetch } = bridgeTo(server)
  let served = 0
  t.mock.method(globalThis, 'fetch', async (input: string | URL | Request, init: RequestInit = {}) => {
    const { origin } = new URL(String(input))
    if (origin !== audience) return fetch(input, init)
    const token = new Headers(init.headers).get('authorization')?.split(' ')[1] ?? ''
    const basic = server.credential('acme', 'api')
    const asked = { method: 'POST', url: '/acme/oauth2/introspect', basic, body: { token } }
    const { json } = await server.request(asked)
    if (json.active) served++
    return new Response(null, { status: json.active ? 200 : 401 })
  })
  return { served: () => served }
}

test(`${document}: its samples and those of the docstrings compile`, (t) => {
  assert.ok(samples.length >= 7, 'the samples are found')
  assertCompile(t, samples)
})

test(`${document}: its samples and those of the docstrings run, and get what they say`, async (t) => {
  const server = await startServer(t)
  const api = playApi(t, server)
  const said: unknown[] = []
  t.mock.method(console, 'error', (...words: unknown[]) => void said.push(words.join(' ')))
  for (const file of writeSamples(t, samples)) {
    const [served, errors] = [api.served(), said.length]
    await import(pathToFileURL(file).href)
    const text = readFileSync(file, 'utf8')
    // The one with a wrong secret is told so; every other is served.
    if (text.includes("clientSecret: 'wrong'")) assert.equal(said.length, errors + 1)
    else assert.equal(api.served(), served + 1, text)
  }
  assert.match(String(said), /^https:\/\/localhost:8443\/acme\/oauth2\/token: 401 invalid_client/)
})

test(`${document}: the table has every option, and no other`, () => {
  const options = ['packages/client/src/options.ts', 'packages/client/src/effects.ts'].flatMap((file) =>
    [
      ...(
        /export interface (?:ClientOptions|Effects) [^{]*\{\n([\s\S]*?)^\}/m.exec(textOf(file))?.[1] ?? ''
      ).matchAll(/^ {2}readonly (\w+)/gm),
    ].map(([, name]) => name),
  )
  const table = /## Options\n([\s\S]*?)\n\n[A-Z]/.exec(textOf(document))?.[1] ?? ''
  const shown = [...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, names = '']) =>
    names.replaceAll('`', '').split(', '),
  )
  assert.deepEqual(shown.toSorted(), options.toSorted())
})
