/** Nodes that rotate signing keys by hand or by schedule, and what can be seen of them. */
import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { decodeProtectedHeader, type JSONWebKeySet } from 'jose'
import { type KeyEvent, type RotationDeps, rotateTenant } from '../../src/keys/rotation.ts'
import type { Database } from '../../src/store/database.ts'
import { listSigningKeys } from '../../src/store/signing-keys.ts'
import { type StoreSuite, startTestServer, startTwoServers, type TestServer } from '../harness.ts'
import { resourceServer } from '../oauth/ends.ts'
import { app, blueprint, type Part, tenant } from '../oauth/sample.ts'

export const apps = [app('sync'), resourceServer]
export const acme = (more: Part = {}) =>
  blueprint(tenant('acme', apps, { maximum_access_token_seconds: 900, ...more }))

export const real = {
  effects: <Effects extends object>(effects: Effects) => ({ ...effects, random: randomBytes }),
}

export interface Node {
  readonly server: TestServer
  readonly deps: RotationDeps
  readonly events: KeyEvent[]
}

export const nodeOf = (server: TestServer): Node => {
  const events: KeyEvent[] = []
  const { db, sealer } = server.store
  const onEvent = (event: KeyEvent) => void events.push(event)
  return { server, events, deps: { db, sealer, random: randomBytes, clock: server.clock, onEvent } }
}

export async function startNode(t: TestContext, suite: StoreSuite, text: string): Promise<Node> {
  return nodeOf(await startTestServer(t, suite, text, {}, real))
}

/** Two processes on one database, both with the chore. */
export async function startNodes(
  t: TestContext,
  suite: StoreSuite,
  text: string,
): Promise<readonly [Node, Node]> {
  const [one, other] = await startTwoServers(t, suite, text, real)
  return [nodeOf(one), nodeOf(other)]
}

export const states = async (db: Database, tenantId = 'acme') =>
  (await listSigningKeys(db, tenantId)).map(({ state }) => state).toSorted()

export const kidOf = (token: string) => decodeProtectedHeader(token).kid

export const publishedKids = async ({ server }: Node): Promise<string[]> => {
  const { json } = await server.request({ url: '/acme/oauth2/jwks' })
  return (json as JSONWebKeySet).keys.map(({ kid = '' }) => kid).toSorted()
}

/** All that is due, and what becomes due by it. */
export const settle = async ({ deps, server }: Node): Promise<void> => {
  while ((await rotateTenant(deps, 'acme')) === server.clock()) {}
}
