// Programs that register themselves: a server whose customer has a plan, tokens given out for it, and calls as programs make them.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Doubles, StoreSuite, TestReply, TestServer } from '../harness.ts'
import { change, type Manager, manager, startManaged } from '../management/managed.ts'
import { acme, customer, made } from '../management/people.ts'

export interface World {
  readonly server: TestServer
  readonly operator: Manager
  /** An initial access token of the customer; some terms of it. */
  give(terms?: object): Promise<string>
  register(token: string | null, metadata: unknown, tenant?: string): Promise<TestReply>
  configure(method: string, registered: TestReply, options?: Configuring): Promise<TestReply>
}

export interface Configuring {
  readonly body?: unknown
  readonly token?: string
}

const json = { 'content-type': 'application/json' }
const bearer = (token: string | null | undefined) =>
  typeof token === 'string' ? { authorization: [`Bearer ${token}`] } : {}
const text = (body: unknown) => (typeof body === 'string' ? body : JSON.stringify(body))

/** The customer's plan has the scope `read` of the API `rest`, and not `write`. */
export async function startRegistering(t: TestContext, suite: StoreSuite, doubles?: Doubles): Promise<World> {
  const server = await startManaged(t, suite, doubles)
  const operator = await manager(server)
  assert.equal((await change(operator, customer, { plan: 'reader' })).status, 200)
  return {
    server,
    operator,
    async give(terms = {}) {
      const body = { name: 'Machines', scopes: { rest: ['read'] }, ...terms }
      return made(await operator.call('POST', `${customer}/registration-tokens`, { body })).json.token
    },
    register: (token, metadata, tenant = 'acme') =>
      server.request({
        ...{ method: 'POST', url: `/${tenant}/oauth2/register`, headers: json, body: text(metadata) },
        ...bearer(token),
      }),
    configure(method, registered, { body, token = registered.json.registration_access_token } = {}) {
      const url = registered.json.registration_client_uri.replace('https://localhost:8443', '')
      const sent = body === undefined ? {} : { body: text(body), headers: json }
      return server.request({ method, url, ...sent, ...bearer(token) })
    },
  }
}

/** Trust E: the code in a JSON answer that nobody keeps, with a description of the characters that RFC 6749 §5.2 allows. */
export function assertRefused(answer: TestReply, status: number, code: string): void {
  assert.equal(`${answer.status} ${answer.json?.error}`, `${status} ${code}`, answer.text)
  assert.equal(answer.headers['Content-Type'], 'application/json')
  assert.equal(answer.headers['Cache-Control'], 'no-store')
  assert.match(answer.json.error_description, /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
}

/** Trust B401(invalid_token). */
export function assertNoToken(answer: TestReply): void {
  assertRefused(answer, 401, 'invalid_token')
  const tenant = /\/(\w+)", error="invalid_token"$/.exec(answer.headers['WWW-Authenticate'] ?? '')?.[1]
  const challenge = `Bearer realm="https://localhost:8443/${tenant}", error="invalid_token"`
  assert.equal(answer.headers['WWW-Authenticate'], challenge)
}

export const appOf = async ({ operator }: World, registered: TestReply) =>
  operator.call('GET', `${acme}/apps/${registered.json.client_id}`)

export const registeredApps = async ({ operator }: World) => {
  const { json } = await operator.call('GET', `${customer}/apps`)
  return json.items.filter(({ id }: { readonly id: string }) => id.startsWith('registered-'))
}
