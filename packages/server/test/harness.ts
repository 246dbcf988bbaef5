// The server without a socket: a blueprint in, requests as plain records, replies parsed. Time and identifiers are ours.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Reply } from '@sallyport/protocol'
import { applyPlan } from '../src/blueprint/apply.ts'
import { parseBlueprints } from '../src/blueprint/parse.ts'
import { planBlueprints } from '../src/blueprint/plan.ts'
import { formatProblem } from '../src/blueprint/problem.ts'
import type { RevocationLists } from '../src/certificates/revocation-files.ts'
import type { Effects } from '../src/effects.ts'
import type { ClientCertificate } from '../src/http/client-certificate.ts'
import type { HttpRequest } from '../src/http/exchange.ts'
import { createLog } from '../src/http/log.ts'
import { createSealer } from '../src/keys/sealing.ts'
import { createSecretHasher, type SecretHasher } from '../src/keys/secret-hasher.ts'
import { createServer, type Server } from '../src/main.ts'
import type { OpenStore } from '../src/open-store.ts'
import type { FetchJson } from '../src/outbound/fetch-json.ts'
import type { Lookup } from '../src/outbound/lookup.ts'
import type { Database } from '../src/store/database.ts'
import type { ServerOptions } from '../src/wiring/options.ts'
import {
  createClock,
  createSuite,
  forEachStore,
  type StoreSuite,
  type TestClock,
} from './store/each-store.ts'

export { forEachStore, type StoreSuite, type TestClock }

/** For what no store can change: running it on both would only take longer. */
export const oneStore: StoreSuite = createSuite('sqlite')

export interface TestRequest {
  readonly method?: string
  readonly host?: string
  /** With a query, if any. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly authorization?: readonly string[]
  readonly dpop?: readonly string[]
  readonly repeatsContentType?: boolean
  readonly certificate?: ClientCertificate
  readonly basic?: readonly [clientId: string, clientSecret: string]
  /** A record becomes a form-encoded body with its content type. */
  readonly body?: string | Buffer | Readonly<Record<string, string>>
  readonly clientAddress?: string
}

export interface TestReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers whose shape is what they assert
  readonly json: any
  /** Of an answer that goes on. */
  readonly follow?: Reply['follow']
}

export interface TestServer {
  readonly server: Server
  readonly store: OpenStore
  readonly db: Database
  readonly clock: TestClock
  /** Parsed lines of the log so far. */
  readonly logLines: readonly Readonly<Record<string, unknown>>[]
  /** Lets time pass, and the change feed notice that it has. */
  advance(seconds: number): Promise<void>
  /** The credential that a blueprint's `generated` has made: `[clientId, clientSecret]`. */
  credential(tenantId: string, appId: string, credentialId?: string): readonly [string, string]
  apply(...blueprints: readonly string[]): Promise<void>
  request(request: TestRequest): Promise<TestReply>
  /** A client-credentials request at `/{tenant}/oauth2/token`, form-encoded. */
  token(tenantId: string, request?: Omit<TestRequest, 'url'>): Promise<TestReply>
}

export interface TestServerOptions {
  readonly blueprints: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly db: Database
  readonly clock: TestClock
  readonly doubles?: Doubles
}

/** What a test puts around the parts of the server, to count what it asks of them or to hand in real randomness. */
export interface Doubles {
  readonly db?: (db: Database) => Database
  readonly hasher?: (hasher: SecretHasher) => SecretHasher
  readonly effects?: (effects: Effects) => Effects
  readonly masterKey?: Buffer
  /** The network beyond us; left out, the real one. */
  readonly fetchJson?: FetchJson
  /** Left out, every name has the same public address. */
  readonly lookup?: Lookup
  /** Where connections are asked for certificates. */
  readonly mtlsUrl?: URL
  readonly revocationLists?: RevocationLists
  /** Left out, more than any test has clients. */
  readonly clientCacheEntries?: number
  /** For tests that open sockets. */
  readonly transport?: Partial<Pick<ServerOptions, 'tls' | 'proxies' | 'certificateHeader'>>
}

const baseUrl = new URL('https://localhost:8443')

/** Identifiers that differ and repeat from run to run. */
export function createTestEffects(clock: TestClock): Effects {
  let counter = 0
  const random = (bytes: number) => {
    const block = Buffer.alloc(bytes)
    for (let index = 0; index < bytes; index++)
      block[index] = (counter * 31 + index * 17 + ((index * counter) % 251)) & 0xff
    counter++
    return block
  }
  const uuid = () => `00000000-0000-4000-8000-${String(++counter).padStart(12, '0')}`
  return { clock, wallClock: () => clock() * 1000, elapsed: () => 0, random, uuid }
}

/** Whoever calls this closes it. */
export async function createTestServer(options: TestServerOptions): Promise<TestServer> {
  const { clock, doubles = {} } = options
  const db = doubles.db?.(options.db) ?? options.db
  const testEffects = createTestEffects(clock)
  const effects = doubles.effects?.(testEffects) ?? testEffects
  const sealer = createSealer([doubles.masterKey ?? Buffer.alloc(32, 7)], effects.random)
  const realHasher = await createSecretHasher(options.db, sealer, effects.random)
  const hasher = doubles.hasher?.(realHasher) ?? realHasher
  const store: OpenStore = { db, sealer, hasher }
  const lines: string[] = []
  const log = createLog({
    clock: () => clock() * 1000,
    destination: { write: (line) => void lines.push(line) },
  })
  const server = createServer({
    ...{ store, effects, log, baseUrl, tls: null },
    clientCacheEntries: doubles.clientCacheEntries ?? 1000,
    ...(doubles.fetchJson && { fetchJson: doubles.fetchJson }),
    lookup: doubles.lookup ?? (async () => [{ address: '93.184.216.34', family: 4 }]),
    ...(doubles.mtlsUrl && { mtlsUrl: doubles.mtlsUrl }),
    ...(doubles.revocationLists && { revocationLists: doubles.revocationLists }),
    ...doubles.transport,
  })
  const secrets = new Map<string, readonly [string, string]>()
  const test: TestServer = {
    server,
    store,
    db,
    clock,
    get logLines() {
      return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    },
    async advance(seconds) {
      clock.advance(seconds)
      await options.db.changes.catchUp()
    },
    credential(tenantId, appId, credentialId = 'main') {
      const found = secrets.get(`${tenantId}/${appId}/${credentialId}`)
      assert.ok(found, `the blueprint generates no ${tenantId}/${appId}/${credentialId}`)
      return found
    },
    async apply(...blueprints) {
      const generated = await applyBlueprints(store, effects, blueprints, options.environment ?? {})
      for (const made of generated) {
        secrets.set(`${made.tenantId}/${made.appId}/${made.credentialId}`, [made.clientId, made.clientSecret])
      }
    },
    async request(request) {
      const reply = await server.handler(toHttpRequest(request, effects.uuid()))
      const text = reply.body.toString()
      const isJson = reply.headers['Content-Type'] === 'application/json' && text !== ''
      const json = isJson ? JSON.parse(text) : null
      const { status, headers, follow } = reply
      return { status, headers, text, json, ...(follow && { follow }) }
    },
    token(tenantId, request = {}) {
      const body = request.body ?? { grant_type: 'client_credentials' }
      return test.request({
        ...request,
        body,
        method: request.method ?? 'POST',
        url: `/${tenantId}/oauth2/token`,
      })
    },
  }
  if (options.blueprints.length > 0) await test.apply(...options.blueprints)
  return test
}

/** A fresh store of the suite's engine with the blueprints applied. */
export async function startTestServer(
  t: TestContext,
  suite: StoreSuite,
  blueprints: string | readonly string[],
  environment: Readonly<Record<string, string>> = {},
  doubles: Doubles = {},
): Promise<TestServer> {
  // Hooks run in the order of registration: the server ends before its store does.
  const ending: { server?: TestServer } = {}
  t.after(() => ending.server?.server.close())
  const { open, clock } = await suite.prepare(t)
  const list = typeof blueprints === 'string' ? [blueprints] : blueprints
  ending.server = await createTestServer({ db: await open(), clock, blueprints: list, environment, doubles })
  return ending.server
}

/** Two processes on one database; the second knows the credentials that the first has made. */
export async function startTwoServers(
  t: TestContext,
  suite: StoreSuite,
  blueprint: string,
  doubles: Doubles = {},
): Promise<readonly [TestServer, TestServer]> {
  const { open, clock } = await suite.prepare(t)
  const one = await createTestServer({ db: await open(), clock, blueprints: [blueprint], doubles })
  const other = await createTestServer({ db: await open(), clock, blueprints: [], doubles })
  t.after(async () => {
    await one.server.close()
    await other.server.close()
  })
  return [one, Object.assign(Object.create(other) as TestServer, { credential: one.credential })]
}

async function applyBlueprints(
  { db, hasher, sealer }: OpenStore,
  { random }: Effects,
  texts: readonly string[],
  environment: Readonly<Record<string, string>>,
) {
  const files = texts.map((text, index) => ({ name: `blueprint-${index}.yaml`, text }))
  const parsed = parseBlueprints(files)
  if (parsed.problems) throw new Error(parsed.problems.map(formatProblem).join('\n'))
  const readTextFile = async (path: string): Promise<string> => {
    throw new Error(`no files in this test: ${path}`)
  }
  const planned = await planBlueprints(db, parsed.blueprints, { hasher, environment, readTextFile })
  if (planned.problems) throw new Error(planned.problems.map(formatProblem).join('\n'))
  return (await applyPlan(db, planned.plan, { random, hasher, sealer })).generated
}

export const basic = (clientId: string, clientSecret: string): string =>
  `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`

function toHttpRequest(request: TestRequest, id: string): HttpRequest {
  const [path = '', ...parts] = request.url.split('?')
  const query = parts.join('?')
  const isForm =
    request.body !== undefined && typeof request.body !== 'string' && !Buffer.isBuffer(request.body)
  const text = isForm ? new URLSearchParams(request.body as Record<string, string>).toString() : request.body
  const body = Buffer.from((text as string | Buffer | undefined) ?? '')
  const authorization = request.authorization ?? (request.basic ? [basic(...request.basic)] : [])
  const contentType: Record<string, string> = isForm
    ? { 'content-type': 'application/x-www-form-urlencoded' }
    : {}
  return {
    id,
    method: request.method ?? 'GET',
    host: request.host ?? 'localhost:8443',
    path,
    query,
    headers: { ...contentType, ...request.headers },
    authorization,
    dpop: request.dpop ?? [],
    repeatsContentType: request.repeatsContentType ?? false,
    clientCertificate: () => request.certificate ?? null,
    secure: true,
    clientAddress: request.clientAddress ?? '203.0.113.7',
    readBody: async () => body,
  }
}

export { createClock }
