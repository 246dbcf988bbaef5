/** The load process counts 200s and fails at anything else: a fast error page must never look like a fast server. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { basicCredential, tokenRequest } from '../src/contestant.ts'
import { startLoadProcess } from '../src/load-process.ts'
import type { DrawnPlan, LoadResult } from '../src/load-protocol.ts'

const apps = ['app_1', 'app_2', 'app_3']

async function loadOn(
  t: TestContext,
  listener: RequestListener,
  more: Partial<DrawnPlan> = {},
): Promise<LoadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-load-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const credentials = apps.map((id) => basicCredential(id, 'secret'))
  const credentialsFile = join(folder, 'credentials')
  writeFileSync(credentialsFile, credentials.join(''))
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const load = startLoadProcess()
  t.after(() => load.stop())
  const { port } = server.address() as AddressInfo
  const plan = { ...tokenRequest('/token', credentialsFile, credentials[0]?.length ?? 0), ...more }
  return load.run({
    port,
    pid: process.pid,
    hasTls: false,
    plan,
    connections: 4,
    warmupSeconds: 0.05,
    seconds: 0.2,
    stallSeconds: 0.5,
  })
}

test('bench: every app of the list is asked, with a whole request each time', async (t) => {
  const asked = new Map<string, number>()
  const result = await loadOn(t, (request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const seen = `${request.headers.authorization} ${request.headers['x-forwarded-proto']} ${body}`
      asked.set(seen, (asked.get(seen) ?? 0) + 1)
      response.end('{}')
    })
  })
  assert.ok(result.replies > 0 && result.perSecond > 0 && result.p50 > 0 && result.max >= result.p99)
  const expected = apps.map(
    (id) =>
      `Basic ${basicCredential(id, 'secret')} https grant_type=client_credentials&scope=orders%3Aread+orders%3Awrite`,
  )
  assert.deepEqual([...asked.keys()].sort(), expected.sort())
})

test('bench: one reply that is not a 200 fails the run, and its body is told', async (t) => {
  let replies = 0
  const failing = loadOn(t, (request, response) => {
    replies += 1
    request.resume()
    response.statusCode = replies === 50 ? 401 : 200
    response.end(replies === 50 ? '{"error":"invalid_client"}' : '{}')
  })
  await assert.rejects(failing, /not a 200.*401.*invalid_client/s)
})

test('bench: a reply with the wrong words fails the run, though it is a 200', async (t) => {
  let replies = 0
  const listener: RequestListener = (request, response) => {
    replies += 1
    request.resume()
    response.end(replies === 50 ? '{"active":false}' : '{"active":true}')
  }
  await assert.rejects(loadOn(t, listener, { wrongWords: '"active":false' }), /says "active":false/)
})

test('bench: asked in turn, the credentials come round one after the other over all connections', async (t) => {
  const asked: (string | undefined)[] = []
  const listener: RequestListener = (request, response) => {
    request.resume()
    asked.push(request.headers.authorization)
    response.end('{}')
  }
  await loadOn(t, listener, { inTurn: true })
  const counts = apps.map(
    (id) => asked.filter((one) => one === `Basic ${basicCredential(id, 'secret')}`).length,
  )
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, String(counts))
})

test('bench: a server that closes connections under load fails the run', async (t) => {
  const failing = loadOn(t, (request) => request.socket.destroy())
  await assert.rejects(failing, /closed a connection|ECONNRESET/)
})

test('bench: a server that stops answering fails the run instead of holding it up', async (t) => {
  const failing = loadOn(t, (request) => request.resume())
  await assert.rejects(failing, /a reply is missing/)
})
