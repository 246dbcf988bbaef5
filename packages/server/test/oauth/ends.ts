/** Asking what a token is and ending it, as an API and as a client do. */
import assert from 'node:assert/strict'
import type { TestReply, TestRequest, TestServer } from '../harness.ts'
import { assertToken, assertUncached, freshAddress, grant } from './answers.ts'
import { app, type Part } from './sample.ts'

/** The resource server of the sample's API. */
export const resourceServer: Part = app('api', { scopes: {}, introspects: ['rest'] })

type More = Omit<TestRequest, 'url' | 'body'>

const post = (server: TestServer, url: string, body: Readonly<Record<string, string>>, more: More) =>
  server.request({ method: 'POST', url, body, clientAddress: freshAddress(), ...more })

export function introspect(server: TestServer, token: string, more: More = {}, tenantId = 'acme') {
  const basic = server.credential(tenantId, 'api')
  return post(server, `/${tenantId}/oauth2/introspect`, { token }, { basic, ...more })
}

export function revokeToken(server: TestServer, token: string, more: More = {}, tenantId = 'acme') {
  const basic = server.credential(tenantId, 'sync')
  return post(server, `/${tenantId}/oauth2/revoke`, { token }, { basic, ...more })
}

export async function tokenOf(
  server: TestServer,
  appId = 'sync',
  tenantId = 'acme',
  credentialId = 'main',
): Promise<string> {
  const basic = server.credential(tenantId, appId, credentialId)
  return assertToken(await server.token(tenantId, { basic, body: grant, clientAddress: freshAddress() }))
}

export function assertActive(reply: TestReply): void {
  assert.equal(reply.status, 200, reply.text)
  assertUncached(reply)
  assert.equal(reply.json.active, true, reply.text)
}

/** Exactly this and nothing more: not even why. */
export function assertInactive(reply: TestReply): void {
  assert.equal(reply.status, 200, reply.text)
  assertUncached(reply)
  assert.equal(reply.text, '{"active":false}')
}

/** RFC 7009 §2.2. */
export function assertRevoked(reply: TestReply): void {
  assert.equal(reply.status, 200, reply.text)
  assert.equal(reply.text, '')
  // Clients that go by the type would read nothing as JSON, and fail.
  assert.equal(reply.headers['Content-Type'], undefined)
  assert.equal(reply.headers['Cache-Control'], 'no-store')
}
