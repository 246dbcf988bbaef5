// RFC 7517 for every value there is: nothing throws, nothing is repeated, and each key has one spelling.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import * as fc from '../../../test/property.ts'
import { algorithmsOfJwk, jwkThumbprintInput, readPublicJwk } from '../src/index.ts'
import { isRocaModulus } from '../src/roca.ts'

type Members = Readonly<Record<string, unknown>>

const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url')
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(encode)
const modulus = fc
  .tuple(fc.constantFrom(256, 257, 384, 512), fc.integer({ min: 0x80, max: 0xff }))
  .chain(([length, first]) =>
    fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((rest) => encode(Uint8Array.of(first, ...rest.slice(1, -1), (rest.at(-1) ?? 0) | 1))),
  )
const key: fc.Arbitrary<Members> = fc.oneof(
  fc.record({ kty: fc.constant('EC'), crv: fc.constant('P-256'), x: bytes(32), y: bytes(32) }),
  fc.record({ kty: fc.constant('EC'), crv: fc.constant('P-384'), x: bytes(48), y: bytes(48) }),
  fc.record({ kty: fc.constant('OKP'), crv: fc.constant('Ed25519'), x: bytes(32) }),
  fc.record({ kty: fc.constant('RSA'), n: modulus, e: fc.constantFrom('AQAB', '____') }),
)
const extra = fc.record(
  {
    kid: fc.string({ maxLength: 200 }),
    use: fc.constantFrom('sig', 'jwt-svid'),
    key_ops: fc.constantFrom(['verify'], ['sign', 'verify']),
    x5c: fc.anything(),
    ext: fc.boolean(),
  },
  { requiredKeys: [] },
)
const names = ['kty', 'crv', 'x', 'y', 'n', 'e', 'kid', 'alg']

test('RFC 7517 §4: every key of ours is read, to its own members and no others, and that reading is read alike', () => {
  fc.assert(
    fc.property(key, extra, (own, more) => {
      const read = readPublicJwk({ ...more, ...own })
      assert.ok('jwk' in read, JSON.stringify(read))
      for (const [name, value] of Object.entries(own)) assert.equal(Reflect.get(read.jwk, name), value)
      assert.ok(Object.keys(read.jwk).every((name) => names.includes(name)))
      assert.deepEqual(readPublicJwk(read.jwk), read)
      assert.ok(algorithmsOfJwk(read.jwk).length > 0)
    }),
  )
})

test('RFC 7638 §3: two spellings of one key have one thumbprint, and two keys never have one', () => {
  const input = (value: unknown) => {
    const read = readPublicJwk(value)
    return 'jwk' in read ? jwkThumbprintInput(read.jwk) : null
  }
  fc.assert(
    fc.property(key, key, extra, (one, other, more) => {
      const reversed = Object.fromEntries(Object.entries({ ...one, ...more }).reverse())
      assert.equal(input(reversed), input(one))
      const { kid: _, ...members } = one
      assert.deepEqual(JSON.parse(input(one) ?? ''), members)
      if (JSON.stringify(one) !== JSON.stringify(other)) assert.notEqual(input(one), input(other))
    }),
  )
})

test('RFC 7515 §2: a number that is spelled in another way is no key', () => {
  const ways: readonly ((text: string) => string)[] = [
    (text) => `${text}=`,
    (text) => ` ${text}`,
    (text) => `${text}\n`,
    (text) => `AAAA${text}`,
    (text) => text.slice(0, -1),
    (text) => `${text}A`,
    (text) => `${text.slice(0, -1)}é`,
  ]
  fc.assert(
    fc.property(key, fc.constantFrom(...ways), fc.nat(), (own, change, which) => {
      const numbers = Object.keys(own).filter((name) => ['x', 'y', 'n'].includes(name))
      const name = numbers[which % numbers.length] ?? ''
      const changed = { ...own, [name]: change(String(own[name])) }
      const read = readPublicJwk(changed)
      // A modulus a byte shorter or longer may be one again; then it is another key.
      if (name === 'n' && 'jwk' in read) return assert.equal(read.jwk.n, changed[name])
      assert.ok('problem' in read, JSON.stringify(changed))
    }),
    { numRuns: 300 },
  )
})

test('trust R22: no value makes the reader throw, and no problem repeats what the key holds', () => {
  const canary = 'c4nary'
  const member = fc.oneof(
    fc.constantFrom(canary, `${canary}=`, '', 'sig', 'AQAB'),
    fc.jsonValue({ maxDepth: 1 }),
    fc.string(),
  )
  const shaken = fc
    .tuple(key, fc.constantFrom(...names, 'd', 'k', 'use', 'key_ops', '__proto__', 'toString'), member)
    .map(([own, name, value]) => JSON.parse(JSON.stringify({ ...own, [name]: value })))
  fc.assert(
    fc.property(fc.oneof(shaken, fc.jsonValue(), fc.anything()), (value) => {
      const read = readPublicJwk(value)
      if ('problem' in read)
        assert.ok(!read.problem.includes(canary) && read.problem.length < 100, read.problem)
    }),
    { numRuns: 1000 },
  )
  for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']) {
    fc.assert(
      fc.property(
        key,
        fc.jsonValue({ maxDepth: 1 }),
        (own, value) => 'problem' in readPublicJwk({ ...own, [name]: value }),
      ),
      { numRuns: 20 },
    )
  }
})

test('CVE-2017-15361: a modulus whose primes came from a known few is refused, and no sound one is', () => {
  // As those chips made them: all remainders of a prime by the small ones are powers of 65537.
  const small = Array.from({ length: 166 }, (_, index) => index + 2).filter((number) =>
    Array.from({ length: number - 2 }, (_, index) => index + 2).every((divisor) => number % divisor !== 0),
  )
  const product = small.reduce((all, prime) => all * BigInt(prime), 1n)
  const power = (exponent: number) =>
    Array.from({ length: exponent }).reduce((all: bigint) => (all * 65_537n) % product, 1n)
  const weak = fc
    .tuple(fc.bigInt({ min: 0n, max: 1n << 1860n }), fc.integer({ min: 1, max: 300 }))
    .map(([factor, exponent]) => {
      const value = ((1n << 1861n) + factor) * product + power(exponent)
      return Buffer.from(
        value.toString(16).padStart(2 * Math.ceil(value.toString(16).length / 2), '0'),
        'hex',
      )
    })
  fc.assert(
    fc.property(weak, (bad) => {
      assert.ok(bad.length >= 256)
      const read = readPublicJwk({ kty: 'RSA', n: encode(bad), e: 'AQAB' })
      assert.ok('problem' in read && read.problem.includes('CVE-2017-15361'))
    }),
    { numRuns: 30 },
  )
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  assert.ok('jwk' in readPublicJwk(publicKey.export({ format: 'jwk' })))
  fc.assert(fc.property(fc.uint8Array({ minLength: 256, maxLength: 256 }), (any) => !isRocaModulus(any)))
})
