// A server with an operator, and calls of its management API as an API client would make them.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { wholeServer } from '../../src/management/authorize.ts'
import { operations } from '../../src/management/operations.ts'
import { misfitsOf } from '../../src/management/read-input.ts'
import { createRouter } from '../../src/management/route.ts'
import { addOperator, type NewOperator } from '../../src/management/system-tenant.ts'
import type { MembershipPlace } from '../../src/store/memberships.ts'
import {
  type Doubles,
  type StoreSuite,
  startTestServer,
  type TestReply,
  type TestServer,
} from '../harness.ts'
import { app, blueprint, organization, restApi, tenant } from '../oauth/sample.ts'

export interface Answer extends TestReply {
  readonly etag: string | undefined
}

export interface CallOptions {
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** Somebody who manages: an app of the system tenant with a token. */
export interface Manager {
  readonly clientId: string
  readonly token: string
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
}

export const sample = blueprint(
  tenant('acme', [app('sync')], {
    organizations: [organization('customer', [app('sync')]), organization('globex', [app('pay')])],
    plans: [
      { id: 'free', price: 'free' },
      { id: 'reader', price: 'paid', scopes: { rest: ['read'] } },
    ],
  }),
  tenant('umbrella', [app('hive')], { apis: [restApi] }),
)

/** Both tenants of the sample. */
export const startManaged = (t: TestContext, suite: StoreSuite, doubles?: Doubles): Promise<TestServer> =>
  startTestServer(t, suite, sample, {}, doubles)

export async function callApi(
  server: TestServer,
  token: string | null,
  method: string,
  path: string,
  { body, headers = {} }: CallOptions = {},
): Promise<Answer> {
  const contentType = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  const isText = typeof body === 'string' || body instanceof Buffer
  const reply = await server.request({
    method,
    url: `/manage/v1${path}`,
    headers: { ...(body !== undefined && { 'content-type': contentType }), ...headers },
    ...(token !== null && { authorization: [`Bearer ${token}`] }),
    ...(body !== undefined && { body: isText ? (body as string) : JSON.stringify(body) }),
  })
  const isJson = /json/.test(reply.headers['Content-Type'] ?? '') && reply.text !== ''
  const answer = { ...reply, json: isJson ? JSON.parse(reply.text) : null, etag: reply.headers.ETag }
  if (reply.status < 300 && isJson) assertShown(method, path, answer.json)
  return answer
}

const router = createRouter(operations)

/** Every answer of every test is what the OpenAPI document says it is. */
function assertShown(method: string, path: string, json: { readonly items?: readonly unknown[] }): void {
  const route = router.find(method, path.split('?')[0] ?? '')
  if ('methods' in route || route.operation.output === null) return
  const { output, kind, id } = route.operation
  for (const shown of kind === 'list' ? (json.items ?? []) : [json])
    assert.deepEqual(misfitsOf(output, shown), [], `${id} answers ${JSON.stringify(shown)}`)
}

let made = 0

/** A new app of the system tenant with these roles there, and a token of all scopes or of some. */
export async function manager(
  server: TestServer,
  roles: readonly string[] = ['operator'],
  place: MembershipPlace = wholeServer,
  scope?: string,
): Promise<Manager> {
  made += 1
  const { random } = { random: (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes)) }
  const operator: NewOperator = { id: `manager-${made}`, roles, place }
  const clientId = `manager${String(made).padStart(17, '0')}`
  const secret = await server.db.write((tx) =>
    addOperator(tx, operator, () => clientId, { ...server.store, random }),
  )
  const reply = await server.token('system', {
    basic: [secret.clientId, secret.clientSecret],
    body: { grant_type: 'client_credentials', ...(scope !== undefined && { scope }) },
  })
  assert.equal(reply.status, 200, reply.text)
  const token = reply.json.access_token as string
  return { clientId, token, call: (method, path, options) => callApi(server, token, method, path, options) }
}

export const tenantPlace = (tenantId: string): MembershipPlace => ({ tenantId, organizationId: null })

export const organizationPlace = (tenantId: string, organizationId: string): MembershipPlace => ({
  tenantId,
  organizationId,
})

export function assertProblem(answer: Answer, status: number, code: string): void {
  assert.equal(`${answer.status} ${answer.json?.code}`, `${status} ${code}`, answer.text)
  assert.equal(answer.headers['Content-Type'], 'application/problem+json')
  assert.equal(answer.json.status, status)
  assert.equal(answer.json.type, `urn:sallyport:problem:${code}`)
  assert.ok(answer.json.request_id)
}

/** A change of what stands there now. */
export async function change(caller: Manager, path: string, body: object): Promise<Answer> {
  const { etag = '' } = await caller.call('GET', path)
  return caller.call('PATCH', path, { body, headers: { 'if-match': etag } })
}
