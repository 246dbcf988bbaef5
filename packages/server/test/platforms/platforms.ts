/** The real blueprints of the five platforms behind the in-process server, and the tokens they issue, taken apart. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { openSqlite } from '../../src/store/sqlite.ts'
import { createClock, createTestServer, type TestReply, type TestServer } from '../harness.ts'

export const platformNames = ['nanotrust', 'nxtsoft', 'nitrobox', 'token', 'tokenos'] as const
export type PlatformName = (typeof platformNames)[number]

/** Of each platform's first customer, by its id. */
export const firstApps = {
  nanotrust: 'sensor-gateway',
  nxtsoft: 'payment-poster',
  nitrobox: 'billing-sync',
  token: 'my-app',
  tokenos: 'dashboard-reader',
} as const satisfies Record<PlatformName, string>

export const askPlatform = (
  server: TestServer,
  name: PlatformName,
  body: Readonly<Record<string, string>> = grant,
): Promise<TestReply> => server.token(name, { basic: server.credential(name, firstApps[name]), body })

export const blueprintOf = (name: PlatformName): string =>
  readFileSync(new URL(`../../../../blueprints/${name}.yaml`, import.meta.url), 'utf8')

/** A blueprint with one piece of its text replaced; the piece must be there. */
export function changed(text: string, from: string, to: string): string {
  assert.ok(text.includes(from), `the blueprint has no ${JSON.stringify(from)}`)
  return text.replace(from, to)
}

/** The same platform without its dialect: what the standard says. */
export function withoutDialect(text: string): string {
  const plain = text.replaceAll(/^ {4}dialect:\n(?: {6}.*\n)+/gm, '')
  assert.notEqual(plain, text)
  return plain
}

/** One server for all tests of a file, on SQLite: for what the wire looks like, whatever the engine. */
export function sharedServer(
  blueprints: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): () => TestServer {
  let server: TestServer | undefined
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-platforms-'))
  before(async () => {
    const clock = createClock()
    const db = await openSqlite({ file: join(folder, 'store.db'), clock, synchronous: 'off' })
    server = await createTestServer({ db, clock, blueprints, environment })
  })
  after(async () => {
    await server?.server.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return () => server ?? assert.fail('the server has not started')
}

export interface TokenParts {
  readonly headerText: string
  readonly claimsText: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into claims whose shape is what they assert
  readonly header: any
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly claims: any
  readonly signature: Buffer
}

export function partsOf(token: string): TokenParts {
  const parts = token.split('.').map((part) => Buffer.from(part, 'base64url'))
  const [headerText = '', claimsText = ''] = parts.map(String)
  const signature = parts[2] ?? Buffer.alloc(0)
  return {
    headerText,
    claimsText,
    header: JSON.parse(headerText),
    claims: JSON.parse(claimsText),
    signature,
  }
}

export function tokenOf(reply: TestReply): string {
  assert.equal(reply.status, 200, reply.text)
  assert.equal(reply.headers['Cache-Control'], 'no-store')
  return reply.json.access_token
}

/** The answer with its token cut out, so that the rest can be compared byte by byte. */
export const around = (reply: TestReply): string => reply.text.replace(tokenOf(reply), '…')

/** A member or claim by name and JSON type: what a sample and ours must share, whatever the values. */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (typeof value !== 'object' || value === null) return typeof value
  return Object.entries(value).map(([name, member]) => [name, shapeOf(member)])
}

/** RFC 6749 §5.2, and nothing in it that names a cause that must stay unknown. */
export function assertRefused(reply: TestReply, status: number, error: string): void {
  assert.equal(`${reply.status} ${reply.json?.error}`, `${status} ${error}`, reply.text)
  assert.deepEqual(Object.keys(reply.json), ['error', 'error_description'])
  assert.equal(reply.headers['Content-Type'], 'application/json')
  assert.equal(reply.headers['Cache-Control'], 'no-store')
}

export const grant = { grant_type: 'client_credentials' } as const
