import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../test/property.ts'
import { decodeDocument, decodeUtf8 } from '../src/index.ts'

test('RFC 3629 §3: bytes that are no UTF-8 are no text, and the next ones are read all the same', () => {
  for (const [bytes, why] of [
    [[0xff], 'no such byte'],
    [[0x80], 'a continuation of nothing'],
    [[0xc3], 'cut off'],
    [[0xc0, 0xaf], 'an overlong slash'],
    [[0xed, 0xa0, 0x80], 'a surrogate'],
    [[0xf4, 0x90, 0x80, 0x80], 'past the last character'],
  ] as const) {
    const unread = Uint8Array.from([0x61, ...bytes])
    assert.equal(decodeUtf8(unread), null, why)
    assert.equal(decodeDocument(unread), null, why)
    assert.deepEqual([decodeUtf8(Uint8Array.of(0x62)), decodeDocument(Uint8Array.of(0x62))], ['b', 'b'])
  }
})

test('RFC 8259 §8.1: a byte order mark is forgiven where a document begins, once, and nowhere else', () => {
  const marked = new TextEncoder().encode('\ufeff\ufeff{}')
  assert.equal(decodeDocument(marked), '\ufeff{}')
  assert.equal(decodeUtf8(marked), '\ufeff\ufeff{}')
})

test('RFC 3629 §3: any text of whole characters comes back as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.equal(decodeUtf8(new TextEncoder().encode(text)), text)
    }),
  )
})
