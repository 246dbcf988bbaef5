/** The listener on real sockets: what is not HTTP, too large a head, too slow, or fails behind it. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { jsonReply } from '@sallyport/protocol'
import type { Handler } from '../../src/http/exchange.ts'
import { ask, assertTransportError, echo, parseReply, readToEnd, sendRaw, startListener } from './wire.ts'

test('RFC 9110 §6.6.1: every answer carries a Date and the id that the handler saw, and does not name its software', async (t) => {
  const { port } = await startListener(t, { handler: echo })
  const reply = await ask(
    port,
    ['POST /a/b?c=d HTTP/1.1', 'Host: LOCALHOST:8443', 'Authorization: Basic eDp5'],
    'x=1',
  )
  assert.equal(reply.status, 200)
  assert.deepEqual(JSON.parse(reply.body), {
    id: 'generated-1',
    method: 'POST',
    host: 'localhost:8443',
    path: '/a/b',
    query: 'c=d',
    authorization: ['Basic eDp5'],
    secure: false,
    clientAddress: '127.0.0.1',
    body: 'x=1',
    bytes: 3,
  })
  assert.equal(reply.headers.get('x-request-id'), 'generated-1')
  assert.ok(reply.headers.has('date'))
  assert.ok(!reply.headers.has('x-powered-by') && !reply.headers.has('server'))
})

test('RFC 6749 §2.3: a second Authorization header is seen, though Node hides it', async (t) => {
  const { port } = await startListener(t, { handler: echo })
  const lines = ['GET / HTTP/1.1', 'Host: a', 'Authorization: Basic eA==', 'authorization: Bearer y']
  assert.deepEqual(JSON.parse((await ask(port, lines)).body).authorization, ['Basic eA==', 'Bearer y'])
})

test('RFC 9110 §9.3.2: HEAD gets the headers of GET and no content', async (t) => {
  const { port } = await startListener(t, { handler: echo })
  const reply = await ask(port, ['HEAD / HTTP/1.1', 'Host: a'])
  assert.equal(reply.status, 200)
  assert.ok(Number(reply.headers.get('content-length')) > 50)
  assert.equal(reply.body, '')
})

for (const status of [204, 304]) {
  test(`RFC 9110 §8.6: a ${status} carries no Content-Length`, async (t) => {
    const { port } = await startListener(t, { handler: () => ({ status, headers: {}, body: '' }) })
    const reply = await ask(port, ['GET / HTTP/1.1', 'Host: a'])
    assert.equal(reply.status, status)
    assert.ok(!reply.headers.has('content-length') && !reply.headers.has('transfer-encoding'))
  })
}

test('trust 20: a header block over 16 KiB is answered 431', async (t) => {
  const { port } = await startListener(t, { handler: echo })
  const under = await ask(port, ['GET / HTTP/1.1', 'Host: a', `X-Long: ${'x'.repeat(15_000)}`])
  assert.equal(under.status, 200)
  assertTransportError(await ask(port, ['GET / HTTP/1.1', 'Host: a', `X-Long: ${'x'.repeat(17_000)}`]), 431)
})

test('trust 20: the limit of the header block is a setting of the listener', async (t) => {
  const { port } = await startListener(t, { handler: echo, limits: { headerBytes: 2000 } })
  assertTransportError(await ask(port, ['GET / HTTP/1.1', 'Host: a', `X-Long: ${'x'.repeat(3000)}`]), 431)
})

test('trust 20: a client that pushes a huge header block still sees the 431', async (t) => {
  const { port } = await startListener(t, { handler: echo })
  assertTransportError(await ask(port, ['GET / HTTP/1.1', 'Host: a', `X-Long: ${'x'.repeat(500_000)}`]), 431)
})

const slow = { receiveMilliseconds: 60, checkIntervalMilliseconds: 15, lingerMilliseconds: 20 }

for (const [what, sent] of [
  ['nothing', ''],
  ['half a request line', 'POST /oau'],
  ['headers without their end', 'POST / HTTP/1.1\r\nHost: a\r\nX-Slow: '],
  ['a body that stops', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\ngrant'],
] as const) {
  test(`trust 21: a client that sends ${what} in time is answered 408 and cut`, async (t) => {
    const { port, failures } = await startListener(t, { handler: echo, limits: slow })
    assertTransportError(parseReply(await sendRaw(port, sent)), 408)
    assert.deepEqual(failures, [])
  })
}

test('trust 21: a slow answer is not a slow request', async (t) => {
  const handler: Handler = async (request) => {
    await request.readBody(100)
    await new Promise((resolve) => setTimeout(resolve, 150))
    return jsonReply(200, {})
  }
  const { port } = await startListener(t, { handler, limits: slow })
  assert.equal((await ask(port, ['POST / HTTP/1.1', 'Host: a'], 'x')).status, 200)
})

test('trust R13: many slow connections neither hold an answer up nor stay', async (t) => {
  const { port } = await startListener(t, { handler: echo, limits: { ...slow, receiveMilliseconds: 400 } })
  const slowOnes = Array.from({ length: 300 }, () => {
    const socket = connect(port, '127.0.0.1')
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nX-')
    return readToEnd(socket)
  })
  assert.equal((await ask(port, ['POST / HTTP/1.1', 'Host: a'], 'good')).status, 200)
  for (const text of await Promise.all(slowOnes)) assert.match(text, /^HTTP\/1\.1 408 /)
})

for (const [what, text] of [
  ['no HTTP', 'hello\r\n\r\n'],
  ['TLS on the plain port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
  ['a header line without a colon', 'GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n'],
  ['two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx'],
  [
    'a length and chunks',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['a chunk size that is none', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'],
  ['a target that is no path', 'GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['no Host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n'],
  ['a Host that is none', 'GET / HTTP/1.1\r\nHost: a/b\r\nConnection: close\r\n\r\n'],
] as const) {
  test(`RFC 9112 §2.2: ${what} is answered 400 in JSON`, async (t) => {
    const { port, failures } = await startListener(t, { handler: echo, limits: { lingerMilliseconds: 50 } })
    assertTransportError(parseReply(await sendRaw(port, text)), 400)
    assert.deepEqual(failures, [])
  })
}

test('RFC 9112 §3.2.2: the host of an absolute target counts, not the Host header', async (t) => {
  const { port } = await startListener(t, { handler: echo })
  const { host, path, query } = JSON.parse(
    (await ask(port, ['GET https://B.example/x?y HTTP/1.1', 'Host: a'])).body,
  )
  assert.deepEqual({ host, path, query }, { host: 'b.example', path: '/x', query: 'y' })
})

test('RFC 9110 §9.3.6: CONNECT opens no tunnel', async (t) => {
  const { port } = await startListener(t, { handler: echo, limits: { lingerMilliseconds: 50 } })
  const text = await sendRaw(port, 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n')
  assertTransportError(parseReply(text), 405)
})

test('RFC 9110 §7.8: an Upgrade is not followed; the request is answered as HTTP/1.1, and nothing behind it is taken for another', async (t) => {
  const { port } = await startListener(t, { handler: echo })
  const lines = ['POST / HTTP/1.1', 'Host: a', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA']
  const offer = [...lines, 'Connection: Upgrade, HTTP2-Settings', 'Content-Length: 3', '', 'a=b'].join('\r\n')
  const next = 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n'
  for (const [first, second] of [
    [offer, next],
    [offer + next, ''],
    [`${offer}POST /half HTTP/1.1\r\nHost: a\r\nX: `, next],
  ] as const) {
    const socket = connect(port, '127.0.0.1')
    const text = readToEnd(socket)
    socket.write(first)
    socket.once('data', () => socket.write(second))
    const said = await text
    assert.match(said, /^HTTP\/1\.1 200 OK.*Connection: close.*"body":"a=b"/is)
    assert.equal(said.match(/HTTP\/1\.1 /g)?.length, 1, said)
  }
})

test('RFC 9110 §10.1.1: Expect: 100-continue is invited on, any other expectation is answered 417', async (t) => {
  const { port } = await startListener(t, { handler: echo })
  const lines = ['POST / HTTP/1.1', 'Host: a']
  const socket = connect(port, '127.0.0.1')
  const text = readToEnd(socket)
  socket.write(
    [...lines, 'Expect: 100-continue', 'Content-Length: 3', 'Connection: close', '', ''].join('\r\n'),
  )
  await new Promise((resolve) => socket.once('data', resolve))
  socket.write('a=b')
  assert.match(await text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK.*"body":"a=b"/s)
  assertTransportError(await ask(port, [...lines, 'Expect: the-spanish-inquisition']), 417)
})

test('RFC 9112 §6.1: a body in chunks is read, one that is compressed or coded in another way is answered 501', async (t) => {
  const { port } = await startListener(t, { handler: echo })
  const send = (coding: string) => {
    const lines = ['POST / HTTP/1.1', 'Host: a', 'Connection: close', `Transfer-Encoding: ${coding}`]
    const socket = connect(port, '127.0.0.1')
    socket.write([...lines, '', '3', 'a=b', '0', '', ''].join('\r\n'))
    return readToEnd(socket)
  }
  for (const coding of ['chunked', 'Chunked'])
    assert.match(await send(coding), /^HTTP\/1\.1 200 OK.*"body":"a=b"/s)
  for (const coding of [
    'gzip, chunked',
    'identity, chunked',
    'chunked, chunked',
    'gzip\r\nTransfer-Encoding: chunked',
  ])
    assert.match(await send(coding), /^HTTP\/1\.1 (?:400|501) .*"error":"invalid_request"/s, coding)
  assert.match(await send('gzip, chunked'), /^HTTP\/1\.1 501 Not Implemented/)
})

for (const [how, handler] of [
  ['throws', () => assert.fail('the pepper is gone')],
  ['rejects', () => Promise.reject(new Error('the pepper is gone'))],
  ['answers what cannot be sent', () => jsonReply(200, {}, { 'X-Bad': 'a\r\nb' })],
] satisfies [string, Handler][]) {
  test(`trust R22: a handler that ${how} is answered server_error with an id, and the log has the error`, async (t) => {
    const { port, failures } = await startListener(t, { handler })
    const reply = await ask(port, ['GET / HTTP/1.1', 'Host: a'])
    assert.equal(reply.status, 500)
    assert.deepEqual(JSON.parse(reply.body).error, 'server_error')
    assert.doesNotMatch(reply.body, /pepper|at /)
    assert.equal(reply.headers.get('x-request-id'), failures[0]?.requestId)
    assert.ok(failures[0]?.error instanceof Error)
  })
}

test('trust R22: nonsense behind a request still being answered is never taken for its answer', async (t) => {
  const { promise: release, resolve } = Promise.withResolvers<void>()
  const { promise: started, resolve: start } = Promise.withResolvers<void>()
  const handler: Handler = async () => {
    start()
    await release
    return jsonReply(200, {})
  }
  const { port } = await startListener(t, { handler })
  const socket = connect(port, '127.0.0.1')
  const text = readToEnd(socket).catch(() => '')
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await started
  socket.write('nonsense\r\n\r\n')
  assert.equal(await text, '')
  resolve()
})

test('RFC 9110 §5.3: two Content-Type lines are told to whoever reads the body, in whatever case they came', async (t) => {
  const seen: boolean[] = []
  const { port } = await startListener(t, {
    handler: ({ repeatsContentType }) => {
      seen.push(repeatsContentType)
      return { status: 204, headers: {}, body: '' }
    },
  })
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n'
  await sendRaw(port, `${head}Content-Type: text/plain\r\n\r\n`)
  await sendRaw(port, `${head}Content-Type: text/plain\r\ncontent-TYPE: text/plain\r\n\r\n`)
  assert.deepEqual(seen, [false, true])
})

test('RFC 9449 §4.3: every DPoP header is handed on, so that a second one can be refused', async (t) => {
  const seen: (readonly string[])[] = []
  const { port } = await startListener(t, {
    handler: ({ dpop }) => {
      seen.push(dpop)
      return { status: 204, headers: {}, body: '' }
    },
  })
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n'
  await sendRaw(port, `${head}\r\n`)
  await sendRaw(port, `${head}DPoP: one\r\ndpop: two\r\n\r\n`)
  assert.deepEqual(seen, [[], ['one', 'two']])
})
