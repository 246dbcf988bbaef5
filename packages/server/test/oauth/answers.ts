/** What every answer of the token endpoint has in common, said once. */
import assert from 'node:assert/strict'
import type { TestReply, TestRequest, TestServer } from '../harness.ts'

export const grant = { grant_type: 'client_credentials' } as const

/** RFC 6749 §5.1: JSON that nobody keeps. */
export function assertUncached({ headers }: TestReply): void {
  assert.equal(headers['Content-Type'], 'application/json')
  assert.equal(headers['Cache-Control'], 'no-store')
  assert.equal(headers.Pragma, 'no-cache')
}

export function assertRefused(reply: TestReply, status: number, error: string): void {
  assert.equal(`${reply.status} ${reply.json?.error}`, `${status} ${error}`, reply.text)
  assert.deepEqual(Object.keys(reply.json), ['error', 'error_description'])
  assertUncached(reply)
}

/** The tables of trust.md write it E(x). */
export const assertError = (reply: TestReply, error: string): void => assertRefused(reply, 400, error)

/** The one answer to every failed authentication, to the byte; the tables of trust.md write it C401. */
export function assertInvalidClient(reply: TestReply, issuer = 'https://localhost:8443/acme'): void {
  assertRefused(reply, 401, 'invalid_client')
  assert.equal(reply.text, '{"error":"invalid_client","error_description":"Client authentication failed."}')
  assert.equal(reply.headers['WWW-Authenticate'], `Basic realm="${issuer}"`)
}

export function assertThrottled(reply: TestReply): void {
  assertRefused(reply, 429, 'temporarily_unavailable')
  assert.match(reply.headers['Retry-After'] ?? '', /^[1-9]\d?$/)
}

export function assertUnavailable(reply: TestReply): void {
  assertRefused(reply, 503, 'temporarily_unavailable')
  assert.match(reply.headers['Retry-After'] ?? '', /^[1-9]\d*$/)
}

export function assertToken(reply: TestReply): string {
  assert.equal(reply.status, 200, reply.text)
  assertUncached(reply)
  return reply.json.access_token
}

let addresses = 0

/** A network that nobody has been refused from. */
export function freshAddress(): string {
  addresses += 1
  return `198.${18 + (addresses >> 16)}.${(addresses >> 8) & 255}.${addresses & 255}`
}

/** A token request from such a network, so that no wrong secret of before slows it down. */
export const ask = (
  server: TestServer,
  request: Omit<TestRequest, 'url'>,
  tenantId = 'acme',
): Promise<TestReply> => server.token(tenantId, { clientAddress: freshAddress(), ...request })
