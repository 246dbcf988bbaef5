import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../test/property.ts'
import { readJws } from '../src/index.ts'
import { anyText } from './any-text.ts'

const encode = (text: string | Uint8Array): string => Buffer.from(text).toString('base64url')
const signature = encode(new Uint8Array(64).fill(7))
const payload = encode('{"iss":"robot"}')
const withHeader = (header: string): string => `${encode(header)}.${payload}.${signature}`
const good = withHeader('{"alg":"ES256"}')

test('RFC 7515 §7.1: a compact JWS is three parts, of which the first two were signed as they came', () => {
  const jws = readJws(good)
  assert.ok(jws)
  assert.equal(jws.algorithm, 'ES256')
  assert.deepEqual({ ...jws.payload }, { iss: 'robot' })
  assert.equal(jws.signingInput, good.slice(0, good.lastIndexOf('.')))
  assert.equal(jws.signature.length, 64)
  const [head = ''] = good.split('.')
  for (const bad of [
    '',
    '.',
    '..',
    head,
    `${head}.${payload}`,
    `${good}.`,
    `.${good}`,
    `${good}.${signature}`,
  ]) {
    assert.equal(readJws(bad), null, bad)
  }
})

test('RFC 7515 §2: base64url has no padding, no other alphabet and one spelling', () => {
  const [head = ''] = good.split('.')
  // A second spelling of the last byte: its two lowest bits belong to nothing.
  const stray = `${signature.slice(0, -1)}x`
  assert.deepEqual(Buffer.from(stray, 'base64url'), Buffer.from(signature, 'base64url'))
  for (const bad of [`${signature}==`, stray, `${signature} `, `+/${signature}`, `${signature}AAA`, '']) {
    assert.equal(readJws(`${head}.${payload}.${bad}`), null, bad)
  }
})

test('RFC 7515 §4.1.11: what a header calls critical is not understood, and neither are b64 and zip', () => {
  for (const member of ['"crit":["x"],"x":1', '"crit":[]', '"b64":false', '"zip":"DEF"', '"zip":null']) {
    assert.equal(readJws(withHeader(`{"alg":"ES256",${member}}`)), null, member)
  }
  assert.ok(readJws(withHeader('{"alg":"ES256","x":1,"kid":"one"}')))
})

test('RFC 7515 §4.1.1: a header without the text of an algorithm is none', () => {
  for (const header of [
    '{}',
    '{"alg":null}',
    '{"alg":["ES256"]}',
    '{"alg":7}',
    '[]',
    '"ES256"',
    'null',
    '',
  ]) {
    assert.equal(readJws(withHeader(header)), null, header)
  }
})

test('RFC 7515 §4, RFC 7519 §4: a member named twice is refused, however it is escaped and wherever it stands', () => {
  for (const twice of [
    '{"alg":"ES256","alg":"none"}',
    '{"alg":"ES256","\\u0061lg":"none"}',
    '{"alg":"ES256","jwk":{"kty":"EC","kty":"oct"}}',
  ]) {
    assert.equal(readJws(withHeader(twice)), null, twice)
  }
  const [head = ''] = good.split('.')
  assert.equal(readJws(`${head}.${encode('{"sub":"a","s\\u0075b":"b"}')}.${signature}`), null)
  // The same name in two objects, or as a value, is no second one.
  assert.ok(readJws(withHeader('{"alg":"ES256","a":{"x":"alg"},"b":{"x":"alg"}}')))
})

test('RFC 8725 §3.7: bytes that are no UTF-8 are not guessed at', () => {
  const [head = ''] = good.split('.')
  for (const bytes of [
    [0xff, 0xfe],
    [0xc0, 0xaf],
    [0xed, 0xa0, 0x80],
  ]) {
    const text = Buffer.concat([Buffer.from('{"sub":"'), Buffer.from(bytes), Buffer.from('"}')])
    assert.equal(readJws(`${head}.${encode(text)}.${signature}`), null)
  }
  assert.equal(readJws(`${head}.${encode('\ufeff{"sub":"a"}')}.${signature}`), null)
})

test('trust F40: what is too long or too deep is refused before it is decoded', () => {
  assert.equal(readJws('.'.repeat(5_000_000)), null)
  assert.equal(readJws(`${good}${'A'.repeat(16_384)}`), null)
  const deep = (depth: number) => withHeader(`{"alg":"ES256","x":${'['.repeat(depth)}${']'.repeat(depth)}}`)
  assert.ok(readJws(deep(15)))
  assert.equal(readJws(deep(16)), null)
})

test('trust R22: no text makes the JWS reader throw', () => {
  const part = fc.oneof(
    fc.string().map(encode),
    fc.json().map(encode),
    fc.constantFrom('', '.', payload, signature),
  )
  fc.assert(fc.property(fc.array(part, { maxLength: 5 }), (parts) => void readJws(parts.join('.'))))
  fc.assert(fc.property(anyText(), (text) => void readJws(text)))
})
