/** Answers that go on: they arrive piece by piece, end with the server or the client, and wait for nobody too slow. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { ReplySink } from '@sallyport/protocol'
import type { Handler } from '../../src/http/exchange.ts'
import { startListener } from './wire.ts'

/** A handler whose answers go on, and the places where they are written. */
function following(opening = 'first\n\n') {
  const { promise: begun, resolve: begin } = Promise.withResolvers<ReplySink>()
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>()
  const handler: Handler = () => ({
    status: 200,
    headers: { 'Content-Type': 'text/event-stream' },
    body: opening,
    follow(sink) {
      begin(sink)
      return stop
    },
  })
  return { handler, begun, stopped }
}

test('product 3: an answer that goes on is sent piece by piece, and a client that leaves ends it', async (t) => {
  const { handler, begun, stopped } = following()
  const { port } = await startListener(t, { handler })
  const response = await fetch(`http://127.0.0.1:${port}/`)
  assert.equal(response.headers.get('content-length'), null)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader() ?? assert.fail('no body')
  assert.equal((await reader.read()).value, 'first\n\n')
  const sink = await begun
  sink.write('second\n\n')
  assert.equal((await reader.read()).value, 'second\n\n')
  await reader.cancel()
  await stopped
})

test('trust R19: a drain ends what goes on in an orderly way', async (t) => {
  const { handler, begun, stopped } = following()
  const { port, listener } = await startListener(t, { handler })
  const response = await fetch(`http://127.0.0.1:${port}/`)
  await begun
  listener.startDraining()
  assert.equal(await response.text(), 'first\n\n')
  await stopped
})

test('trust R22: what is written after the end is dropped, and an opening of any length is sent', async (t) => {
  const { handler, begun, stopped } = following('x'.repeat(4 * 1024 * 1024))
  const { port, failures } = await startListener(t, { handler })
  const response = await fetch(`http://127.0.0.1:${port}/`)
  const sink = await begun
  sink.write('second')
  sink.end()
  sink.write('too late')
  assert.equal((await response.text()).length, 4 * 1024 * 1024 + 'second'.length)
  await stopped
  assert.deepEqual(failures, [])
})

test('trust R12: whoever does not read what it has asked for is cut off', async (t) => {
  const { handler, begun, stopped } = following()
  const { port } = await startListener(t, { handler })
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await once(socket, 'readable')
  const sink = await begun
  let isOver = false
  const ended = stopped.then(() => {
    isOver = true
  })
  const piece = `data: ${'x'.repeat(64 * 1024)}\n\n`
  for (let sent = 0; sent < 2_000 && !isOver; sent += 1) {
    sink.write(piece)
    await new Promise(setImmediate)
  }
  await ended
})

test('trust R12: what was ended and is never read is not kept for ever', async (t) => {
  const { handler, begun, stopped } = following('x'.repeat(40 * 1024 * 1024))
  const { port } = await startListener(t, { handler, limits: { unreadMilliseconds: 50 } })
  const socket = connect(port, '127.0.0.1').pause()
  t.after(() => socket.destroy())
  socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  const sink = await begun
  sink.write('second')
  sink.end()
  await stopped
})

test('product 3: a client that is told nothing for long and has read all is not cut off', async (t) => {
  const { handler, begun, stopped } = following()
  const { port } = await startListener(t, { handler, limits: { unreadMilliseconds: 1 } })
  const response = await fetch(`http://127.0.0.1:${port}/`)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader() ?? assert.fail('no body')
  assert.equal((await reader.read()).value, 'first\n\n')
  const sink = await begun
  // The longest wait of an idle socket is over before this answer comes.
  assert.equal((await fetch(`http://127.0.0.1:${port}/`)).status, 200)
  sink.write('second\n\n')
  assert.equal((await reader.read()).value, 'second\n\n')
  await reader.cancel()
  await stopped
})
