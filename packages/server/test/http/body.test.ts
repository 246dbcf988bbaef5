/** A request's body on real sockets: read whole however it comes, never past its limit, and nothing kept of it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { jsonReply } from '@sallyport/protocol'
import { BodyAborted, type Handler } from '../../src/http/exchange.ts'
import { ask, assertTransportError, echo, parseReply, readToEnd, sendRaw, startListener } from './wire.ts'

test('RFC 9112 §7.1: a chunked body in many pieces is read whole', async (t) => {
  const { port } = await startListener(t, { handler: echo })
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n'
  const reply = parseReply(await sendRaw(port, `${head}3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n`))
  assert.equal(JSON.parse(reply.body).body, 'abcdefg')
})

test('RFC 9112 §7.1: a body is read whole that came before anybody asked for it, or while they did', async (t) => {
  const { promise: cameInPart, resolve } = Promise.withResolvers<void>()
  const late: Handler = async (request) => {
    resolve()
    // The parser hands over what has come in the turn of the head; what it finds then is in nobody's hands.
    await new Promise(setImmediate)
    return echo(request)
  }
  const { port } = await startListener(t, { handler: late })
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 6\r\n\r\n'
  assert.equal(JSON.parse(parseReply(await sendRaw(port, `${head}abcdef`)).body).body, 'abcdef')
  const socket = connect(port, '127.0.0.1')
  const text = readToEnd(socket)
  socket.write(`${head}abc`)
  await cameInPart
  socket.write('def')
  assert.equal(JSON.parse(parseReply(await text).body).body, 'abcdef')
})

test('RFC 9112 §9.3.2: requests with bodies that come in one packet are answered each with its own, in their order', async (t) => {
  const { port } = await startListener(t, { handler: echo })
  const bodies = ['first', '', 'the third of them', 'x']
  const requests = bodies.map((body, index) => {
    const connection = index === bodies.length - 1 ? 'Connection: close\r\n' : ''
    return `POST /${index} HTTP/1.1\r\nHost: a\r\n${connection}Content-Length: ${body.length}\r\n\r\n${body}`
  })
  const answers = (await sendRaw(port, requests.join(''))).match(/\{.*?\}/g) ?? []
  assert.deepEqual(
    answers.map((answer) => JSON.parse(answer)).map(({ path, body }) => [path, body]),
    bodies.map((body, index) => [`/${index}`, body]),
  )
})

test("trust R13: a connection that waits for its next request keeps nothing of the last one's body", async (t) => {
  setFlagsFromString('--expose-gc')
  const collectGarbage: () => void = runInNewContext('gc')
  let body: WeakRef<Buffer> | undefined
  const handler: Handler = async (request) => {
    body = new WeakRef(await request.readBody(100))
    return jsonReply(200, {})
  }
  const { port } = await startListener(t, { handler })
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc')
  await new Promise(setImmediate)
  socket.write('def')
  await once(socket, 'data')
  // What a WeakRef was asked for lives to the end of the turn.
  await new Promise(setImmediate)
  collectGarbage()
  assert.ok(body !== undefined && body.deref() === undefined)
})

/** Answers while it reads, and notes what it hears of the body afterwards. */
function hasty(heard: unknown[], before: () => Promise<unknown> = async () => {}): Handler {
  return async (request) => {
    await before()
    const note = (outcome: unknown) => heard.push(String(outcome))
    request.readBody(100).then(note, note)
    return jsonReply(200, { path: request.path })
  }
}

for (const [when, before] of [
  ['before anything of it has come', async () => {}],
  ['when a part of it has come', () => new Promise(setImmediate)],
] as const)
  test(`RFC 9112 §6.3: a handler that begins to read ${when}, and answers, is never given that part as the whole`, async (t) => {
    const heard: unknown[] = []
    const { port } = await startListener(t, { handler: hasty(heard, before) })
    const socket = connect(port, '127.0.0.1')
    const text = readToEnd(socket)
    socket.write('POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc')
    await once(socket, 'data')
    socket.write('defGET /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    assert.match(await text, /"\/first".*"\/second"/s)
    assert.deepEqual(heard, [''], 'the second has no body')
  })

test('RFC 9112 §9.3: the rest of a long body that a handler has begun to read is read away, and the next request is answered', async (t) => {
  const handler: Handler = async (request) => {
    await new Promise(setImmediate)
    void request.readBody(300_000)
    return jsonReply(200, { path: request.path })
  }
  const { port } = await startListener(t, { handler, limits: { headerBytes: 300_000 } })
  const socket = connect(port, '127.0.0.1')
  const text = readToEnd(socket)
  socket.write('POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 200003\r\n\r\nabc')
  await once(socket, 'data')
  socket.write(`${'x'.repeat(200_000)}GET /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  assert.match(await text, /"\/first".*"\/second"/s)
})

test('trust R22: a handler that answers while it reads hears nothing of a client that leaves', async (t) => {
  const heard: unknown[] = []
  const { port } = await startListener(t, { handler: hasty(heard) })
  const socket = connect(port, '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc')
  await once(socket, 'data')
  socket.destroy()
  await ask(port, ['GET / HTTP/1.1', 'Host: a'])
  await ask(port, ['GET / HTTP/1.1', 'Host: a'])
  assert.deepEqual(heard, ['', ''])
})

test('trust 15: a declared body over the limit is answered 413 and the connection closes', async (t) => {
  const { port, failures } = await startListener(t, { handler: echo, limits: { lingerMilliseconds: 50 } })
  const head = 'POST /oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n'
  assertTransportError(parseReply(await sendRaw(port, head + 'x'.repeat(1000))), 413)
  assert.deepEqual(failures, [])
})

test('trust 15: a client still pushing a big body when it is refused gets to see the 413', async (t) => {
  // More than the sockets of both sides hold, so that closing early would break the client's writing.
  const size = 12_000_000
  const { port } = await startListener(t, { handler: echo, limits: { lingerBytes: 2 * size } })
  const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`
  assertTransportError(parseReply(await sendRaw(port, head + 'x'.repeat(size))), 413)
})

test('trust 15: a chunked body is cut off where it passes the limit', async (t) => {
  const { port } = await startListener(t, { handler: echo, limits: { lingerMilliseconds: 50 } })
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
  assertTransportError(parseReply(await sendRaw(port, head + chunk.repeat(5))), 413)
})

test('trust 15: a body of exactly 64 KiB is read', async (t) => {
  const { port } = await startListener(t, { handler: echo })
  const reply = await ask(port, ['POST / HTTP/1.1', 'Host: a'], 'x'.repeat(65_536))
  assert.equal(JSON.parse(reply.body).bytes, 65_536)
})

test('trust 15: who sends for ever is cut after a bounded while, by bytes or by time', async (t) => {
  const { port } = await startListener(t, {
    handler: echo,
    limits: { lingerBytes: 200_000, lingerMilliseconds: 40 },
  })
  const socket = connect(port, '127.0.0.1')
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.on('error', () => {})
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999\r\n\r\n')
  socket.resume()
  const piece = Buffer.alloc(65_536)
  const push = () => {
    if (socket.writable) socket.write(piece, (error) => error ?? setImmediate(push))
  }
  push()
  await closed
})

test('trust 1: an answer that leaves a short body unread keeps the connection, and the next request is understood', async (t) => {
  const { port } = await startListener(t, {
    handler: ({ method }) => jsonReply(method === 'PUT' ? 405 : 200, {}),
  })
  const put = 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello'
  const text = await sendRaw(port, `${put}GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
  assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 405', 'HTTP/1.1 200'])
})

test('trust R22: a client that leaves in the middle of its body is nobody to answer and no failure', async (t) => {
  const { promise: outcome, resolve } = Promise.withResolvers<unknown>()
  const handler: Handler = async (request) => {
    try {
      await request.readBody(100)
    } catch (error) {
      resolve(error)
      throw error
    }
    return jsonReply(200, {})
  }
  const { port, failures } = await startListener(t, { handler })
  const socket = connect(port, '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc', () =>
    setImmediate(() => socket.destroy()),
  )
  assert.ok((await outcome) instanceof BodyAborted)
  assert.deepEqual(failures, [])
})
