/** The graceful end, under load on real sockets. */
import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { jsonReply } from '@sallyport/protocol'
import { drain } from '../../src/http/drain.ts'
import type { Handler } from '../../src/http/exchange.ts'
import { createHealth } from '../../src/http/health.ts'
import { readToEnd, startListener } from './wire.ts'

interface Answer {
  readonly status: number | undefined
  readonly isLast: boolean
}

const post = (port: number, agent: Agent | false): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const message = request({ port, host: '127.0.0.1', method: 'POST', path: '/', agent }, (response) => {
      response.resume()
      response.on('end', () =>
        resolve({ status: response.statusCode, isLast: response.headers.connection === 'close' }),
      )
    })
    message.on('error', reject)
    message.end('grant_type=client_credentials')
  })

const slowly: Handler = async (incoming) => {
  await incoming.readBody(1000)
  await new Promise((resolve) => setTimeout(resolve, 5))
  return jsonReply(200, {})
}

const quickly = { noticeMilliseconds: 60, idleMilliseconds: 60, limitMilliseconds: 3000 }

test('trust R19: a drain under load loses no request: each client hears of the end in an answer', async (t) => {
  const { listener, port } = await startListener(t, { handler: slowly })
  const health = createHealth({})
  let answered = 0
  const { promise: isUnderLoad, resolve: reached } = Promise.withResolvers<void>()
  const loads = Array.from({ length: 20 }, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    let answer: Answer
    do {
      answer = await post(port, agent)
      assert.equal(answer.status, 200)
      answered += 1
      if (answered === 200) reached()
    } while (!answer.isLast)
    agent.destroy()
  })
  await isUnderLoad
  const drained = drain({ listeners: [listener], health, ...quickly })
  assert.deepEqual(await health.findFailing(), ['draining'])
  await Promise.all(loads)
  assert.equal(await drained, 'clean')
  await assert.rejects(post(port, false), { code: 'ECONNREFUSED' })
})

test('trust R19: while balancers look elsewhere, new connections are still served, each for one request', async (t) => {
  const { listener, port } = await startListener(t, { handler: slowly })
  const drained = drain({ listeners: [listener], health: createHealth({}), ...quickly })
  assert.deepEqual(await post(port, false), { status: 200, isLast: true })
  assert.equal(await drained, 'clean')
})

test('trust R19: a request on a kept connection just after the port was closed is answered', async (t) => {
  const { listener, port } = await startListener(t, { handler: () => jsonReply(200, {}) })
  const socket = connect(port, '127.0.0.1')
  const text = readToEnd(socket)
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await new Promise((resolve) => socket.once('data', resolve))
  listener.startDraining()
  const closed = listener.stopAccepting()
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  assert.equal((await text).match(/HTTP\/1\.1 200 /g)?.length, 2)
  await closed
})

test('trust R19: a request that takes long is finished, and idle and silent connections do not delay the end', async (t) => {
  const { promise: release, resolve } = Promise.withResolvers<void>()
  const { promise: started, resolve: start } = Promise.withResolvers<void>()
  const handler: Handler = async ({ path }) => {
    if (path === '/long') {
      start()
      await release
    }
    return jsonReply(200, {})
  }
  const { listener, port } = await startListener(t, { handler })
  const silent = readToEnd(connect(port, '127.0.0.1'))
  const idleSocket = connect(port, '127.0.0.1')
  idleSocket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const idle = readToEnd(idleSocket)
  const longSocket = connect(port, '127.0.0.1')
  longSocket.write('GET /long HTTP/1.1\r\nHost: a\r\n\r\n')
  const long = readToEnd(longSocket)
  await started
  const drained = drain({ listeners: [listener], health: createHealth({}), ...quickly })
  assert.equal(await silent, '')
  assert.match(await idle, /^HTTP\/1\.1 200 /)
  resolve()
  assert.match(await long, /^HTTP\/1\.1 200 [^$]*connection: close/i)
  assert.equal(await drained, 'clean')
})

test('trust R19: what does not end in the time given is cut', async (t) => {
  const { promise: never } = Promise.withResolvers<never>()
  const { promise: started, resolve: start } = Promise.withResolvers<void>()
  const handler: Handler = () => {
    start()
    return never
  }
  const { listener, port } = await startListener(t, { handler })
  const cut = assert.rejects(post(port, false), { code: 'ECONNRESET' })
  await started
  assert.equal(
    await drain({ listeners: [listener], health: createHealth({}), ...quickly, limitMilliseconds: 150 }),
    'cut',
  )
  await cut
})
