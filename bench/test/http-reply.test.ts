/** The load generator must neither count half a reply nor wait for one that is complete. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOk, replyLength } from '../src/http-reply.ts'

function lengthOf(text: string): number {
  return replyLength(Buffer.from(text), text.length)
}

test('RFC 9112 §6.3: a reply with Content-Length ends after so many bytes of body, and no earlier', () => {
  const reply = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length: 5\r\n\r\nhello'
  assert.equal(lengthOf(reply), reply.length)
  assert.equal(lengthOf(`${reply}HTTP/1.1`), reply.length)
  for (let cut = 0; cut < reply.length; cut += 1) assert.equal(lengthOf(reply.slice(0, cut)), -1)
})

test('RFC 9112 §7.1: a chunked reply ends after its last chunk, and no earlier', () => {
  const reply =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nb\r\n hello\r\nyou\r\n0\r\n\r\n'
  assert.equal(lengthOf(reply), reply.length)
  for (let cut = 0; cut < reply.length; cut += 1) assert.equal(lengthOf(reply.slice(0, cut)), -1)
})

test('RFC 9112 §6.3: bytes left over in the receive buffer from an earlier reply are not part of this one', () => {
  const buffer = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello')
  assert.equal(replyLength(buffer, 20), -1)
})

test('RFC 9112 §6.3: a reply that ends with the connection is an error, because nobody measured should send one', () => {
  assert.throws(() => lengthOf('HTTP/1.1 200 OK\r\n\r\n'), /neither Content-Length nor chunked/)
})

test('RFC 9110 §15.3.1: only the status 200 counts', () => {
  assert.equal(isOk(Buffer.from('HTTP/1.1 200 OK')), true)
  for (const status of ['201', '204', '400', '500']) {
    assert.equal(isOk(Buffer.from(`HTTP/1.1 ${status} X`)), false)
  }
})
