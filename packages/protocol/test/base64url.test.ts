// Base64url: one spelling of each text of bytes, wherever it is read.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeBase64url, encodeBase64url } from '@sallyport/protocol'
import * as fc from '../../../test/property.ts'

test('RFC 4648 §5: bytes survive writing and reading', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
      const text = encodeBase64url(bytes)
      assert.equal(text, Buffer.from(bytes).toString('base64url'))
      assert.deepEqual(new Uint8Array(decodeBase64url(text) ?? []), bytes)
    }),
  )
})

test('RFC 4648 §3.5: padding, other alphabets, stray bits and lone characters are no base64url', () => {
  for (const text of ['', 'A', 'AB==', 'A+', 'A/', 'AB\n', ' AA', 'AB', 'AAB', 'AAAAA', 'Ää'])
    assert.equal(decodeBase64url(text), null, text)
  assert.deepEqual([...(decodeBase64url('AA') ?? [])], [0])
})

test('RFC 4648 §3.5: a text is read only if it is what an encoder writes, however long it is and wherever it differs', () => {
  const strangers = fc.constantFrom(...'+/= \n\t\0.,~Łä\u{ff2d}', '==', '')
  const text = fc
    .tuple(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.nat(), strangers, fc.nat({ max: 2 }))
    .map(([bytes, place, stranger, replaced]) => {
      const right = encodeBase64url(bytes)
      const at = place % (right.length + 1)
      return right.slice(0, at) + stranger + right.slice(at + replaced)
    })
  fc.assert(
    fc.property(text, (one) => {
      const written = encodeBase64url(Buffer.from(one, 'base64url'))
      const expected = written === one && one !== '' ? [...Buffer.from(one, 'base64url')] : null
      const read = decodeBase64url(one)
      assert.deepEqual(read && [...read], expected, JSON.stringify(one))
    }),
  )
})

test('RFC 4648 §3.5: a runtime without Buffer reads the same texts to the same bytes', async () => {
  const { Buffer: kept } = globalThis
  Reflect.deleteProperty(globalThis, 'Buffer')
  // A name of its own, so that it is loaded anew.
  const path = '../src/base64url.ts?without-buffer'
  const web: { readonly decodeBase64url: typeof decodeBase64url } = await import(path).finally(() => {
    globalThis.Buffer = kept
  })
  const text = fc.string({ unit: fc.constantFrom(...'AQgwBZz09-_+/=\n Łä'), maxLength: 12 })
  fc.assert(
    fc.property(text, (one) => {
      const [here, there] = [decodeBase64url(one), web.decodeBase64url(one)]
      assert.deepEqual(there && [...there], here && [...here], JSON.stringify(one))
    }),
  )
})

test('RFC 4648 §5: a character that has the low byte of a good one is no base64url', () => {
  for (const text of ['AŁAA', 'ŁAAA', 'AAAŁ', 'A\u{ff2d}AA']) assert.equal(decodeBase64url(text), null, text)
})
