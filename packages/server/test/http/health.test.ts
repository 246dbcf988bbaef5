/** Liveness and readiness, and what they name. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonReply } from '@sallyport/protocol'
import { answerHealth, createHealth, type Health } from '../../src/http/health.ts'
import { ask, startListener } from './wire.ts'

async function startHealth(t: Parameters<typeof startListener>[0], health: Health) {
  const handler = (request: Parameters<typeof answerHealth>[1]) =>
    answerHealth(health, request) ?? jsonReply(404, {})
  const { port } = await startListener(t, { handler })
  return async (line: string) => {
    const { status, body, headers } = await ask(port, [`${line} HTTP/1.1`, 'Host: a'])
    return { status, body: body === '' ? '' : JSON.parse(body), allow: headers.get('allow') }
  }
}

test('trust R5: readiness names what fails, liveness stays 200', async (t) => {
  let isDatabaseUp = false
  const health = createHealth({ database: () => isDatabaseUp, feed: async () => assert.fail('no contact') })
  const get = await startHealth(t, health)
  assert.deepEqual(await get('GET /livez'), { status: 200, body: { status: 'ok' }, allow: undefined })
  assert.deepEqual((await get('GET /readyz')).body, { status: 'unavailable', failing: ['database', 'feed'] })
  isDatabaseUp = true
  assert.deepEqual((await get('GET /readyz')).body.failing, ['feed'])
})

test('trust R19: from the start of a drain readiness says so', async (t) => {
  const health = createHealth({ database: () => true })
  const get = await startHealth(t, health)
  assert.equal((await get('GET /readyz')).status, 200)
  health.startDraining()
  assert.deepEqual(await get('GET /readyz'), {
    status: 503,
    body: { status: 'unavailable', failing: ['draining'] },
    allow: undefined,
  })
  assert.equal((await get('GET /livez')).status, 200)
})

test('trust R5: a check that does not answer in time fails, and probes that come together share one look', async (t) => {
  let looks = 0
  const { promise: never } = Promise.withResolvers<boolean>()
  const database = () => {
    looks += 1
    return never
  }
  const get = await startHealth(t, createHealth({ database }, { checkMilliseconds: 40 }))
  const replies = await Promise.all(Array.from({ length: 5 }, () => get('GET /readyz')))
  assert.deepEqual(
    replies.map(({ status }) => status),
    [503, 503, 503, 503, 503],
  )
  assert.equal(looks, 1)
})

test('RFC 9110 §15.5.6: probes are read, not written; HEAD works', async (t) => {
  const get = await startHealth(t, createHealth({}))
  assert.deepEqual(await get('POST /livez'), {
    status: 405,
    body: { status: 'method not allowed' },
    allow: 'GET, HEAD',
  })
  assert.deepEqual(await get('HEAD /readyz'), { status: 200, body: '', allow: undefined })
  assert.equal((await get('GET /readyz/')).status, 404)
})
