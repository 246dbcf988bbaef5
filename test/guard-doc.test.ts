/** docs/guard.md is true: its samples and those of the docstrings compile, and guard an API as they say. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { Guard } from '@sallyport/guard'
import { parseRefusalId, type RefusalTerms, refusals } from '@sallyport/protocol'
import { parse } from 'yaml'
import {
  createWorld,
  audience as worldAudience,
  issuer as worldIssuer,
} from '../packages/guard/test/world.ts'
import { removeApp } from '../packages/server/src/store/apps.ts'
import { issue } from '../packages/server/test/certificates/issue.ts'
import type { TestServer } from '../packages/server/test/harness.ts'
import { makeKey, proof } from '../packages/server/test/oauth/signed.ts'
import {
  type PlatformName,
  blueprintOf as platformBlueprint,
  tokenOf as tokenIn,
} from '../packages/server/test/platforms/platforms.ts'
import { textOf } from './document-commands.ts'
import { assertCompile, docstringSamples, writeSamples } from './document-samples.ts'
import {
  audience,
  blueprintOf,
  type Call,
  firstRefusal,
  open,
  setEnvironment,
  startIssuer,
  tokenOf,
} from './guard-doc-world.ts'

const document = 'docs/guard.md'

interface Sample {
  /** The heading that it stands below. */
  readonly section: string
  readonly text: string
}

const samples: readonly Sample[] = textOf(document)
  .split(/^## /m)
  .flatMap((part) => {
    const section = part.slice(0, part.indexOf('\n'))
    return [...part.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, text = '']) => ({ section, text }))
  })

/** Fragments, which import nothing, are of inner functions. */
const examples = docstringSamples('packages/guard/src/**/*.ts').filter((text) => /^import /m.test(text))

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

async function assertRefused(response: Response, reason: string): Promise<void> {
  const { refusal_id: id } = (await response.json()) as { refusal_id: string }
  assert.equal(parseRefusalId(id)?.reason, reason)
  assert.equal(response.headers.get('refusal-id'), id)
}

/** What every sample does that guards `GET /invoices`. */
async function assertGuards(call: Call, server: TestServer): Promise<void> {
  const reader = await tokenOf(server, 'invoices/read')
  const writer = await tokenOf(server, 'invoices/write')
  const allowed = await call('/invoices', bearer(reader))
  assert.equal(allowed.status, 200)
  assert.deepEqual(await allowed.json(), { client: server.credential('acme', 'sync')[0] })
  await assertRefused(await call('/invoices'), 'no_credentials')
  await assertRefused(await call('/invoices', bearer(writer)), 'insufficient_scope')
}

type Check = (call: Call, server: TestServer, t: TestContext) => Promise<void>

/** What a section promises beside that. */
const promises: Readonly<Record<string, Check>> = {
  async 'A table of endpoints'(call, server) {
    const headers = bearer(await tokenOf(server, 'invoices/read'))
    const statusOf = async (path: string) => (await call(path, headers)).status
    assert.deepEqual(await Promise.all(['/admin', '/unknown', '/invoices%2f'].map(statusOf)), [404, 404, 400])
    assert.notEqual((await call('/health')).status, 401)
    const metadata = await call('/.well-known/oauth-protected-resource')
    assert.equal(((await metadata.json()) as { resource: string }).resource, audience)
  },
  async 'Revoked tokens'(call, server) {
    const headers = bearer(await tokenOf(server, 'invoices/read'))
    await server.db.write((tx) => removeApp(tx, 'acme', server.credential('acme', 'sync')[0]))
    await assertRefused(await firstRefusal(() => call('/invoices', headers)), 'revoked_app')
  },
  async Limits(call, server) {
    const { headers } = await call('/invoices', bearer(await tokenOf(server, 'invoices/read')))
    assert.equal(headers.get('ratelimit-policy'), '"invoices";q=600;w=60')
    assert.match(headers.get('ratelimit') ?? '', /^"invoices";r=59\d;t=\d+$/)
  },
  async 'Endpoints and limits from the issuer'(call, server) {
    const { headers } = await call('/invoices', bearer(await tokenOf(server, 'invoices/read')))
    assert.match(headers.get('ratelimit-policy') ?? '', /;q=600;w=60$/)
    await assertRefused(await call('/admin', bearer(await tokenOf(server, 'invoices/read'))), 'path_unknown')
  },
  async 'Watch it'(call) {
    const status = (await (await call('/status')).json()) as Record<string, unknown>
    const shown = ['allowed', 'refused', 'revocations', 'keys', 'policy', 'limits', 'proofs']
    assert.deepEqual(Object.keys(status), shown)
    assert.deepEqual(status.refused, { no_credentials: 1, insufficient_scope: 1 })
  },
}

function ofApi(section: string): Readonly<Record<string, unknown>> {
  if (section.startsWith('Opaque tokens')) return { token_format: 'opaque' }
  if (!section.startsWith('Endpoints and limits')) return {}
  const [, text = ''] =
    /^## Endpoints and limits[\s\S]*?^```yaml\n([\s\S]*?)^```$/m.exec(textOf(document)) ?? []
  return parse(text) as Readonly<Record<string, unknown>>
}

/** Those that need more than a bearer token of one tenant. */
const isSpecial = ({ section }: Sample) => section === 'Bound tokens' || section === 'Dialects'

for (const [index, { section, text }] of samples.filter((sample) => !isSpecial(sample)).entries()) {
  test(`${document}: ${section}: sample ${index + 1} guards an API as it says`, async (t) => {
    t.mock.method(console, 'info', () => {})
    t.mock.method(console, 'warn', () => {})
    const server = await startIssuer(t, blueprintOf(document, ofApi(section)))
    setEnvironment(t, server.credential('acme', 'invoices-api'))
    // Nothing listens there: the limits are kept by the process itself.
    const [file = ''] = writeSamples(t, [text.replace('redis://localhost', 'redis://127.0.0.1:1')])
    const call = await open(t, file)
    await assertGuards(call, server)
    await promises[section]?.(call, server, t)
  })
}

const [forDpop = '', forCertificates = '', forProofs = ''] = samples
  .filter(({ section }) => section === 'Bound tokens')
  .map(({ text }) => text)

test(`${document}: Bound tokens: with DPoP a token is good for the holder of its key alone`, async (t) => {
  const server = await startIssuer(t, blueprintOf(document, {}))
  const [file = ''] = writeSamples(t, [forDpop])
  const call = await open(t, file)
  const [key, stranger] = await Promise.all([makeKey(), makeKey()])
  const token = await tokenOf(server, 'invoices/read', await proof(key, server.clock()))
  const with_ = async (holder: typeof key) => ({
    authorization: `DPoP ${token}`,
    dpop: await proof(holder, server.clock(), {
      ...{ htm: 'GET', htu: `${audience}/invoices` },
      ath: createHash('sha256').update(token).digest('base64url'),
    }),
  })
  assert.equal((await call('/invoices', await with_(key))).status, 200)
  await assertRefused(await call('/invoices', await with_(stranger)), 'dpop_proof')
  await assertRefused(await call('/invoices', bearer(token)), 'bound_to_dpop_key')
  await assertRefused(await call('/invoices', bearer(await tokenOf(server, 'invoices/read'))), 'not_bound')
})

test(`${document}: Bound tokens: where proofs are remembered together, none is taken while nobody can be asked`, async (t) => {
  t.mock.method(console, 'warn', () => {})
  const server = await startIssuer(t, blueprintOf(document, {}))
  const [file = ''] = writeSamples(t, [forProofs.replace('redis://localhost', 'redis://127.0.0.1:1')])
  const call = await open(t, file)
  const key = await makeKey()
  const token = await tokenOf(server, 'invoices/read', await proof(key, server.clock()))
  const dpop = await proof(key, server.clock(), {
    ...{ htm: 'GET', htu: `${audience}/invoices` },
    ath: createHash('sha256').update(token).digest('base64url'),
  })
  const response = await call('/invoices', { authorization: `DPoP ${token}`, dpop })
  assert.equal(response.status, 503)
  await assertRefused(response, 'proofs_unavailable')
})

test(`${document}: Bound tokens: a proxy hands on the certificate that a token is bound to`, async (t) => {
  const world = createWorld()
  t.mock.timers.enable({ apis: ['Date'], now: world.now * 1_000 })
  t.mock.method(globalThis, 'fetch', world.effects.fetch)
  const text = forCertificates
    .replace('https://auth.example.com/acme', worldIssuer)
    .replaceAll(audience, worldAudience)
  const [file = ''] = writeSamples(t, [text])
  const call = await open(t, file)
  const [own, other] = await Promise.all([issue(null), issue(null)])
  const token = world.token({ cnf: { 'x5t#S256': createHash('sha256').update(own.der).digest('base64url') } })
  const shown = ({ pem }: typeof own) => ({ ...bearer(token), 'ssl-client-cert': encodeURIComponent(pem) })
  assert.deepEqual(await (await call('/invoices', shown(own))).json(), { client: 'app-1' })
  await assertRefused(await call('/invoices', shown(other)), 'certificate')
  await assertRefused(await call('/invoices', bearer(token)), 'certificate')
})

/** An app of each platform, with a scope that it holds, and one that it does not. */
const platformApps: Readonly<Record<PlatformName, readonly [app: string, held: string, foreign: string]>> = {
  nanotrust: ['catalogue-reader', 'public', 'profile'],
  nxtsoft: ['payment-poster', 'transactions/post', 'transactions/mock'],
  nitrobox: ['invoice-archive', 'invoices/read', 'invoices/write'],
  token: ['stamp-reader', 'notarization:read', 'storage:read'],
  tokenos: ['dashboard-reader', 'read', 'write'],
}
const platformNames = Object.keys(platformApps) as PlatformName[]

async function platformToken(server: TestServer, name: PlatformName): Promise<string> {
  const [id, secret] = server.credential(name, platformApps[name][0])
  if (name !== 'token') return tokenIn(await server.token(name, { basic: [id, secret] }))
  const url = `/auth/token?key=${id}&secret=${secret}`
  return tokenIn(await server.request({ method: 'POST', host: 'api.token.localhost:8443', url }))
}

test(`${document}: Dialects: the guard of each platform takes its tokens, and no other's`, async (t) => {
  const server = await startIssuer(t, platformNames.map(platformBlueprint))
  setEnvironment(t, server.credential('nanotrust', 'resource-server'))
  const [id, secret] = server.credential('token', 'resource-server')
  Object.assign(process.env, { TOKEN_API_ID: id, TOKEN_API_SECRET: secret })
  const text = samples.find(({ section }) => section === 'Dialects')?.text ?? ''
  const [file = ''] = writeSamples(t, [text])
  const { guards } = (await import(pathToFileURL(file).href)) as { guards: Record<PlatformName, Guard> }
  t.after(() => {
    for (const guard of Object.values(guards)) guard.close()
  })
  for (const name of platformNames) {
    const [, held, foreign] = platformApps[name]
    const reasonOf = async (of: PlatformName, scope: string) => {
      const headers = bearer(await platformToken(server, of))
      const decision = await guards[name].check(new Request(audience, { headers }), { scope })
      return decision.isAllowed ? null : decision.reason
    }
    assert.equal(await reasonOf(name, held), null, name)
    assert.equal(await reasonOf(name, foreign), 'insufficient_scope', name)
    for (const other of platformNames.filter((one) => one !== name))
      assert.notEqual(await reasonOf(other, held), null, `${name} ${other}`)
  }
})

test(`${document}: its samples and those of the docstrings compile`, (t) => {
  assert.ok(samples.length >= 14, 'the samples are found')
  assertCompile(t, [...samples.map(({ text }) => text), ...examples])
})

test(`${document}: the table has every refusal as it is answered, and no other`, () => {
  const rows = Object.entries<RefusalTerms>(refusals).map(
    ([reason, { status, error, says }]) => `| \`${reason}\` | ${status} | ${error ?? ''} | ${says} |`,
  )
  const shown = textOf(document).match(/^\| `\w+` \| \d{3} \|.*$/gm) ?? []
  assert.deepEqual(
    shown.map((row) => row.replaceAll(/ +\|/g, ' |')),
    rows.map((row) => row.replaceAll(/ +\|/g, ' |')),
  )
})

test(`${document}: the table of options has every option, and no other`, () => {
  const [, members = ''] =
    /export interface GuardOptions \{\n([\s\S]*?)^\}/m.exec(textOf('packages/guard/src/options.ts')) ?? []
  const options = [...members.matchAll(/^ {2}readonly (\w+)/gm)].map(([, name]) => name)
  const table = /## All options\n([\s\S]*?)\n\n## /.exec(textOf(document))?.[1] ?? ''
  const shown = [...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, names = '']) =>
    names.replaceAll('`', '').split(', '),
  )
  assert.deepEqual(shown.toSorted(), options.toSorted())
})
