/** Plain HTTP: refused, never redirected, and what came in clear is reported after the answer. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createHealth } from '../../src/http/health.ts'
import { createPlainHandler } from '../../src/http/plain-http.ts'
import { ask, startListener } from './wire.ts'

interface Exposure {
  readonly path: string
  readonly query: string
  readonly authorization: readonly string[]
  readonly body: string
}

async function startPlain(t: TestContext, onReport: () => void | Promise<void> = () => {}) {
  const exposures: Exposure[] = []
  const handler = createPlainHandler({
    onExposure({ path, query, authorization }, body) {
      exposures.push({ path, query, authorization, body: body.toString() })
      return onReport()
    },
    health: createHealth({ database: () => true }),
    log: { failure: (requestId, error) => reported.push([requestId, error]) },
    bodyLimitBytes: 1000,
  })
  const reported: [string, unknown][] = []
  const { port } = await startListener(t, { handler, limits: { lingerMilliseconds: 50 } })
  return { port, exposures, reported }
}

for (const line of [
  'POST /nitrobox/oauth2/token',
  'GET /',
  'GET /.well-known/openid-configuration',
  'OPTIONS /x',
  'POST /livez',
]) {
  test(`trust 23: plain HTTP is refused with 403 in JSON and no redirect: ${line}`, async (t) => {
    const { port } = await startPlain(t)
    const reply = await ask(port, [`${line} HTTP/1.1`, 'Host: localhost'])
    assert.equal(reply.status, 403)
    assert.equal(reply.headers.get('content-type'), 'application/json')
    assert.equal(reply.headers.get('cache-control'), 'no-store')
    assert.ok(reply.headers.has('x-request-id') && !reply.headers.has('location'))
    const { error, error_description } = JSON.parse(reply.body)
    assert.equal(error, 'invalid_request')
    assert.match(error_description, /HTTPS/)
  })
}

test('trust 25: what plain HTTP carried is reported with its header, query and body, once the answer is out', async (t) => {
  const { promise: never } = Promise.withResolvers<void>()
  // The report never ends: if the answer waited for it, this test would too.
  const { port, exposures } = await startPlain(t, () => never)
  const lines = [
    'POST /t/oauth2/token?key=a&secret=b HTTP/1.1',
    'Host: localhost',
    'Authorization: Basic eDp5',
  ]
  await ask(port, lines, 'client_id=x&client_secret=y')
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(exposures, [
    {
      path: '/t/oauth2/token',
      query: 'key=a&secret=b',
      authorization: ['Basic eDp5'],
      body: 'client_id=x&client_secret=y',
    },
  ])
})

test('trust 23: a body over the bound is not kept, the answer is the same 403', async (t) => {
  const { port, exposures } = await startPlain(t)
  const reply = await ask(
    port,
    ['POST /t/oauth2/token HTTP/1.1', 'Host: a', 'Authorization: Basic eDp5'],
    'x'.repeat(1001),
  )
  assert.equal(reply.status, 403)
  assert.deepEqual(
    exposures.map(({ body, authorization }) => [body, authorization]),
    [['', ['Basic eDp5']]],
  )
})

test('trust R22: a report that fails is logged with the id of the request and harms nobody', async (t) => {
  const { port, reported } = await startPlain(t, () => Promise.reject(new Error('the store is away')))
  const reply = await ask(port, ['GET /x HTTP/1.1', 'Host: a'])
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(reply.status, 403)
  assert.deepEqual(
    reported.map(([id]) => id),
    [reply.headers.get('x-request-id')],
  )
})

test('operations: /livez and /readyz answer over plain HTTP, unless something secret came along', async (t) => {
  const { port, exposures } = await startPlain(t)
  for (const path of ['/livez', '/readyz']) {
    assert.equal((await ask(port, [`GET ${path} HTTP/1.1`, 'Host: a'])).status, 200)
    assert.deepEqual(exposures, [])
  }
  assert.equal((await ask(port, ['GET /livez HTTP/1.1', 'Host: a', 'Authorization: Basic eDp5'])).status, 403)
  assert.equal((await ask(port, ['GET /livez?secret=x HTTP/1.1', 'Host: a'])).status, 403)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(exposures.length, 2)
})
