import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from '../../../test/property.ts'
import { formatClientSecret, generateIdentifier, parseClientSecret } from '../src/index.ts'
import { anyText } from './any-text.ts'

const thirtyTwoBytes = fc.uint8Array({ minLength: 32, maxLength: 32 })
const environment = fc.constantFrom('test', 'live')

test('idea 16: a client secret is a prefix, 43 characters of randomness and 6 of checksum', () => {
  assert.equal(
    formatClientSecret('test', new Uint8Array(32)),
    `sp_test_${'0'.repeat(43)}${formatClientSecret('test', new Uint8Array(32)).slice(-6)}`,
  )
  assert.match(formatClientSecret('live', new Uint8Array(32).fill(255)), /^sp_live_[0-9A-Za-z]{49}$/)
})

test('idea 16: the checksum is the CRC-32 of everything before it', () => {
  // 0xCBF43926 is the published check value of CRC-32 over "123456789"; this one was computed apart from the code.
  const secret = formatClientSecret('test', new Uint8Array(32))
  const table = Array.from({ length: 256 }, (_, n) => {
    let c = n
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
    return c >>> 0
  })
  const crc = (text: string) =>
    ([...Buffer.from(text)].reduce((c, byte) => (table[(c ^ byte) & 255] ?? 0) ^ (c >>> 8), 0xffffffff) ^
      0xffffffff) >>>
    0
  assert.equal(crc('123456789'), 0xcbf43926)
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  const written = [...secret.slice(-6)].reduce((sum, digit) => sum * 62 + digits.indexOf(digit), 0)
  assert.equal(written, crc(secret.slice(0, -6)))
})

test('idea 16: every secret is recognized with its environment, and keeps all its 256 bits', () => {
  fc.assert(
    fc.property(environment, thirtyTwoBytes, thirtyTwoBytes, (env, one, other) => {
      const secret = formatClientSecret(env, one)
      assert.equal(secret.length, 57)
      assert.deepEqual(parseClientSecret(secret), { environment: env })
      assert.equal(secret === formatClientSecret(env, other), Buffer.compare(one, other) === 0)
    }),
  )
})

test('idea 16: one changed character breaks the checksum', () => {
  fc.assert(
    fc.property(
      environment,
      thirtyTwoBytes,
      fc.nat(56),
      fc.constantFrom('0', 'A', 'z', '_', '-'),
      (env, bytes, at, character) => {
        const secret = formatClientSecret(env, bytes)
        const changed = secret.slice(0, at) + character + secret.slice(at + 1)
        assert.equal(parseClientSecret(changed) !== null, changed === secret)
      },
    ),
  )
})

test('002-05: a live secret relabelled as a test secret is not recognized', () => {
  assert.equal(
    parseClientSecret(formatClientSecret('live', new Uint8Array(32)).replace('live', 'test')),
    null,
  )
})

test('idea 16: other texts are no generated secret, and no text makes the parser throw', () => {
  const secret = formatClientSecret('live', new Uint8Array(32))
  for (const text of [
    '',
    'secret',
    `${secret}\n`,
    ` ${secret}`,
    `${secret}0`,
    secret.slice(0, -1),
    secret.toUpperCase(),
  ]) {
    assert.equal(parseClientSecret(text), null)
  }
  fc.assert(fc.property(anyText(), (text) => assert.equal(parseClientSecret(text), null)))
})

test('idea 16: a secret takes exactly 32 bytes', () => {
  assert.throws(() => formatClientSecret('live', new Uint8Array(31)), RangeError)
})

test('001-11 and 003-04: identifiers take the shape of 26 lower-case or 32 mixed alphanumerics', () => {
  fc.assert(
    fc.property(thirtyTwoBytes, (bytes) => {
      assert.match(
        generateIdentifier(bytes, { length: 26, alphabet: 'lower_alphanumeric' }),
        /^[a-z0-9]{26}$/,
      )
      assert.match(generateIdentifier(bytes, { length: 32, alphabet: 'alphanumeric' }), /^[A-Za-z0-9]{32}$/)
    }),
  )
})

test('trust R3: an identifier is refused bytes that are too few to be fair', () => {
  assert.throws(
    () => generateIdentifier(new Uint8Array(31), { length: 32, alphabet: 'alphanumeric' }),
    RangeError,
  )
  assert.throws(
    () => generateIdentifier(new Uint8Array(32), { length: 0, alphabet: 'alphanumeric' }),
    RangeError,
  )
})
