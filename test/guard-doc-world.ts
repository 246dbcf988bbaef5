/** What the samples of docs/guard.md meet: an issuer for their URLs, and clients that call what they serve. */

import assert from 'node:assert/strict'
import { type AddressInfo, Server as NetServer } from 'node:net'
import type { TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Redis } from 'ioredis'
import { parse } from 'yaml'
import { networkTo } from '../packages/server/test/guard/guarded.ts'
import { oneStore, startTestServer, type TestServer } from '../packages/server/test/harness.ts'
import { app, organization } from '../packages/server/test/oauth/sample.ts'
import { blocksIn } from './document-commands.ts'

export const audience = 'https://api.example.com'

type Members = Record<string, unknown>

/** The blueprint of the document, with a customer and whatever a test wants of the API. */
export function blueprintOf(document: string, ofApi: Members): string {
  const [text = ''] = blocksIn(document, 'yaml')
  const blueprint = parse(text) as { tenants: { apis: Members[]; organizations: unknown[] }[] }
  const [tenant] = blueprint.tenants
  assert.ok(tenant)
  tenant.apis = tenant.apis.map((api) => ({ ...api, ...ofApi }))
  const scopes = { invoices: ['invoices/read', 'invoices/write'] }
  tenant.organizations.push(organization('customer', [app('sync', { scopes })]))
  return JSON.stringify(blueprint)
}

/** The time of the test servers holds for the samples too, and their `fetch` ends at this server. */
export async function startIssuer(
  t: TestContext,
  blueprints: string | readonly string[],
): Promise<TestServer> {
  const server = await startTestServer(t, oneStore, blueprints)
  t.mock.timers.enable({ apis: ['Date'], now: server.clock() * 1_000 })
  const { effects } = networkTo(server)
  t.mock.method(globalThis, 'fetch', (input: string, init?: RequestInit) => effects.fetch(input, init))
  return server
}

/** The credentials of the API, as the samples read them. */
export function setEnvironment(t: TestContext, [API_ID, API_SECRET]: readonly [string, string]): void {
  const kept = { ...process.env }
  Object.assign(process.env, { API_ID, API_SECRET })
  t.after(() => {
    process.env = kept
  })
}

export async function tokenOf(server: TestServer, scope: string, dpop?: string): Promise<string> {
  const reply = await server.token('acme', {
    basic: server.credential('acme', 'sync'),
    body: { grant_type: 'client_credentials', scope },
    ...(dpop !== undefined && { dpop: [dpop] }),
  })
  assert.equal(reply.status, 200, reply.text)
  return reply.json.access_token
}

/** Asks the sample for a path, with a token or without. */
export type Call = (path: string, headers?: Readonly<Record<string, string>>) => Promise<Response>

interface Served {
  readonly GET?: (request: Request) => Promise<Response>
  readonly default?: { fetch(request: Request): Response | Promise<Response> }
}

const realFetch = globalThis.fetch

/** Runs a sample and finds what it serves: a handler that it exports, or the server that it lets listen. */
export async function open(t: TestContext, file: string): Promise<Call> {
  const listening = catchServers(t)
  endRedis(t)
  const served = (await import(pathToFileURL(file).href)) as Served
  const handler = served.GET ?? served.default?.fetch.bind(served.default)
  if (handler !== undefined)
    return async (path, headers = {}) => handler(new Request(audience + path, { headers }))
  const port = await listening()
  return (path, headers = {}) => realFetch(`http://127.0.0.1:${port}${path}`, { headers })
}

/** Whatever port a sample names, it gets a free one. */
function catchServers(t: TestContext): () => Promise<number> {
  const servers: NetServer[] = []
  const { listen } = NetServer.prototype
  t.mock.method(NetServer.prototype, 'listen', function (this: NetServer, ...args: unknown[]) {
    servers.push(this)
    return Reflect.apply(listen, this, [0, '127.0.0.1', ...args.filter((one) => typeof one === 'function')])
  })
  t.after(() => Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve)))))
  return async () => {
    const [server] = servers
    assert.ok(server, 'the sample serves nothing')
    if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
    return (server.address() as AddressInfo).port
  }
}

function endRedis(t: TestContext): void {
  const clients: Redis[] = []
  const connect = Redis.prototype.connect
  t.mock.method(Redis.prototype, 'connect', function (this: Redis) {
    clients.push(this)
    return connect.call(this)
  })
  t.after(() => {
    for (const client of clients) client.disconnect()
  })
}

/** Of a call whose token was revoked a moment ago: the news needs its time, and a call counts against the limit. */
export async function firstRefusal(call: () => Promise<Response>): Promise<Response> {
  for (;;) {
    const response = await call()
    if (!response.ok) return response
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  }
}
