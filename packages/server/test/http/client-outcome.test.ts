// What the log says of a client's request that never came to an answer of the endpoint.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BodyAborted, BodyTooLarge, type HttpRequest } from '../../src/http/exchange.ts'
import { oneStore, startTestServer } from '../harness.ts'
import { app, blueprint, tenant } from '../oauth/sample.ts'

const requestOf = (readBody: HttpRequest['readBody']): HttpRequest => ({
  id: '1eb41282-0fc6-4344-8d7a-905da7d1fc42',
  method: 'POST',
  host: 'localhost:8443',
  path: '/acme/oauth2/token',
  query: '',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  authorization: [],
  dpop: [],
  repeatsContentType: false,
  secure: true,
  clientAddress: '203.0.113.7',
  clientCertificate: () => null,
  readBody,
})

test('trust 15, R22: who sends too much or leaves in the middle is no failure of ours, in the log as in the answer', async (t) => {
  const running = await startTestServer(t, oneStore, blueprint(tenant('acme', [app('sync')])))
  for (const [error, status, reason] of [
    [new BodyTooLarge('x'), 413, 'body too large'],
    [new BodyAborted('x'), 400, 'client left before its body was complete'],
    [new Error('x'), 500, 'unexpected failure'],
  ] as const) {
    // The listener answers what is thrown.
    await assert.rejects(async () => running.server.handler(requestOf(() => Promise.reject(error))), error)
    const line = running.logLines.at(-1)
    assert.deepEqual([line?.msg, line?.status, line?.reason], ['token refused', status, reason])
    assert.equal(line?.code, status === 500 ? 'server_error' : 'invalid_request')
  }
})
