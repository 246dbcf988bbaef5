import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import { algorithmsOfJwk, jwkThumbprintInput, readPublicJwk } from '../src/index.ts'

type Members = Readonly<Record<string, unknown>>

const jwkOf = (key: KeyObject): Members => ({ ...key.export({ format: 'jwk' }) })
const ec = (namedCurve: string) => jwkOf(generateKeyPairSync('ec', { namedCurve }).publicKey)
const rsa = (modulusLength: number) => jwkOf(generateKeyPairSync('rsa', { modulusLength }).publicKey)
const [p256, p384, ed25519, rsa2048] = [
  ec('P-256'),
  ec('P-384'),
  jwkOf(generateKeyPairSync('ed25519').publicKey),
  rsa(2048),
]

function read(value: unknown) {
  const found = readPublicJwk(value)
  assert.ok('jwk' in found, JSON.stringify(found))
  return found.jwk
}

/** What is wrong with a key; it repeats nothing of it. */
function problemOf(value: unknown): string {
  const found = readPublicJwk(value)
  assert.ok('problem' in found, JSON.stringify(found))
  return found.problem
}

const bytes = (count: number): string => Buffer.alloc(count, 7).toString('base64url')

test('RFC 7517 §4.4, RFC 7518 §3.1: a key is for the algorithms that fit it, and for one alone if it says so', () => {
  assert.deepEqual(algorithmsOfJwk(read(p256)), ['ES256'])
  assert.deepEqual(algorithmsOfJwk(read(p384)), ['ES384'])
  assert.deepEqual(algorithmsOfJwk(read(ed25519)), ['EdDSA', 'Ed25519'])
  assert.deepEqual(algorithmsOfJwk(read(rsa2048)), ['PS256', 'RS256'])
  assert.deepEqual(algorithmsOfJwk(read({ ...rsa2048, alg: 'PS256' })), ['PS256'])
  for (const alg of ['ES384', 'HS256', 'none', 'RS256', '', 7, null]) {
    assert.match(problemOf({ ...p256, alg }), /alg that does not fit/)
  }
})

test('RFC 7517 §4.2, §4.3: a key that is not for verifying is not used for it', () => {
  assert.ok(read({ ...p256, use: 'sig', key_ops: ['verify'] }))
  assert.match(problemOf({ ...p256, use: 'enc' }), /use/)
  assert.match(problemOf({ ...p256, use: 'x509-svid' }), /use/)
  assert.match(problemOf({ ...p256, key_ops: ['encrypt'] }), /key_ops/)
  assert.match(problemOf({ ...p256, key_ops: 'verify' }), /key_ops/)
})

test('RFC 7517 §4.5: a key id is a text of bounded length', () => {
  assert.equal(read({ ...p256, kid: 'one' }).kid, 'one')
  for (const kid of [7, null, ['one'], 'x'.repeat(201)]) assert.match(problemOf({ ...p256, kid }), /kid/)
})

test('RFC 7517 §9.2: a private or symmetric key is refused whole, and nothing of it is repeated', () => {
  const { d } = jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey)
  for (const key of [
    { ...p256, d },
    { ...p256, d: '' },
    { kty: 'oct', k: d },
    { ...rsa2048, qi: d },
  ]) {
    const problem = problemOf(key)
    assert.match(problem, /private or symmetric/)
    assert.ok(!problem.includes(String(d)))
  }
})

test('RFC 7518 §6.2.1: the coordinates have the length of their curve, and the curve is one we take', () => {
  const wrong: readonly (readonly [Members, RegExp])[] = [
    [{ ...p256, x: bytes(31) }, /coordinate/],
    [{ ...p256, y: bytes(33) }, /coordinate/],
    [{ ...p256, y: undefined }, /coordinate/],
    [{ ...p256, x: `${p256.x}=` }, /coordinate/],
    [{ ...p256, crv: 'P-384' }, /coordinate/],
    [ec('P-521'), /curve/],
    [ec('secp256k1'), /curve/],
    [{ ...p256, crv: 'toString' }, /curve/],
  ]
  for (const [key, pattern] of wrong) assert.match(problemOf(key), pattern)
})

test('RFC 7518 §3.3, §6.3.1: an RSA key has 2048 bits at least, no leading zeros and a sound exponent', () => {
  const modulus = Buffer.from(String(rsa2048.n), 'base64url')
  const padded = Buffer.concat([Buffer.alloc(1), modulus]).toString('base64url')
  const tooLong = Buffer.concat([Buffer.of(1), Buffer.alloc(512, 0xff)]).toString('base64url')
  for (const key of [rsa(1024), { ...rsa2048, n: padded }, { ...rsa2048, n: tooLong }]) {
    assert.match(problemOf(key), /2048 to 4096 bits/)
  }
  for (const e of ['AQ', 'Aw', 'AQAA', 'AAEAAQ', '_____w', bytes(5)])
    assert.match(problemOf({ ...rsa2048, e }), /exponent/)
  assert.match(problemOf({ kty: 'RSA', n: rsa2048.n }), /modulus or exponent/)
  const even = Buffer.from(modulus)
  even.writeUInt8(modulus.readUInt8(255) - 1, 255)
  assert.match(problemOf({ ...rsa2048, n: even.toString('base64url') }), /modulus that is even/)
})

test('RFC 8037 §2: of the Edwards curves Ed25519 is taken, with all its 32 bytes', () => {
  assert.deepEqual(Object.keys(read(ed25519)), ['kty', 'crv', 'x'])
  const x25519 = jwkOf(generateKeyPairSync('x25519').publicKey)
  for (const key of [{ ...ed25519, x: bytes(31) }, x25519, { ...ed25519, crv: 'Ed448' }]) {
    assert.match(problemOf(key), /no Ed25519 key/)
  }
})

test('RFC 7638 §3, RFC 8037 §2: the thumbprint is that of the required members in their order, whatever else the key says', () => {
  const inputs: readonly (readonly [Members, string])[] = [
    [p256, `{"crv":"P-256","kty":"EC","x":"${p256.x}","y":"${p256.y}"}`],
    [ed25519, `{"crv":"Ed25519","kty":"OKP","x":"${ed25519.x}"}`],
    [rsa2048, `{"e":"AQAB","kty":"RSA","n":"${rsa2048.n}"}`],
  ]
  for (const [key, input] of inputs) {
    assert.equal(jwkThumbprintInput(read({ use: 'sig', unknown: [1], kid: 'one', ...key })), input)
  }
})

test('RFC 7517 §4: what is no key at all is told so', () => {
  for (const value of [null, undefined, 'key', 7, [], [p256]])
    assert.match(problemOf(value), /no JSON object/)
  for (const kty of [undefined, null, 'ec', 'AKP', '__proto__', ['EC']]) {
    assert.match(problemOf({ ...p256, kty }), /kty other than/)
  }
})
