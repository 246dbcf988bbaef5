// Signatures with a bit turned anywhere, under another name, or by another key: none of them counts.
import assert from 'node:assert/strict'
import { createHmac, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import * as fc from '../../../../test/property.ts'
import { importVerificationKey, verifyMac, verifySignature } from '../../src/keys/verify-signature.ts'
import {
  assertionInput,
  proofInput,
  signJws,
  takeAssertion,
  takeProof,
  withSignature,
} from '../vectors/front-door.ts'

const jwkOf = (key: KeyObject) => ({ ...key.export({ format: 'jwk' }) })
const pair = ({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }) => ({
  jwk: jwkOf(publicKey),
  privateJwk: jwkOf(privateKey),
  key: importVerificationKey(jwkOf(publicKey)),
})
const ec = (namedCurve: string) => pair(generateKeyPairSync('ec', { namedCurve }))
const rsa = pair(generateKeyPairSync('rsa', { modulusLength: 2048 }))
const pairs = {
  ...{ ES256: ec('P-256'), ES384: ec('P-384'), EdDSA: pair(generateKeyPairSync('ed25519')) },
  ...{ PS256: rsa, RS256: rsa },
}
const algorithm = fc.constantFrom(...(Object.keys(pairs) as (keyof typeof pairs)[]))
const every = [
  'ES256',
  'ES384',
  'EdDSA',
  'Ed25519',
  'PS256',
  'RS256',
  'HS256',
  'none',
  '',
  'es256',
  'constructor',
]

function turn(bytes: Buffer, place: number): Buffer {
  const copy = Buffer.from(bytes)
  const at = place % (copy.length * 8)
  copy[at >> 3] = (copy[at >> 3] ?? 0) ^ (1 << (at & 7))
  return copy
}

test('RFC 7518 §3: a signature is good as it was made, and not with a bit turned in it or in what was signed', () => {
  const input = fc.uint8Array({ minLength: 1, maxLength: 60 }).map((bytes) => Buffer.from(bytes))
  fc.assert(
    fc.property(algorithm, input, fc.nat(), fc.integer({ min: 1, max: 70 }), (name, message, place, cut) => {
      const { key, privateJwk } = pairs[name]
      assert.ok(key)
      const signature = signJws(name, privateJwk, message)
      const isGood = (text: Buffer, bytes: Buffer) =>
        verifySignature(key, name, text.toString('latin1'), bytes)
      assert.ok(isGood(message, signature))
      assert.ok(!isGood(turn(message, place), signature))
      assert.ok(!isGood(message, turn(signature, place)))
      assert.ok(!isGood(message, signature.subarray(0, -cut)))
      assert.ok(!isGood(message, Buffer.concat([signature, Buffer.alloc(cut)])))
    }),
    { numRuns: 150 },
  )
})

test('RFC 8725 §3.1: a signature counts under its own name alone, with its own key alone', () => {
  for (const [name, { privateJwk }] of Object.entries(pairs)) {
    const signature = signJws(name, privateJwk, 'input')
    for (const [other, { key }] of Object.entries(pairs)) {
      assert.ok(key)
      const accepted = every.filter((asked) => verifySignature(key, asked, 'input', signature))
      const own = name === 'EdDSA' ? ['EdDSA', 'Ed25519'] : [name]
      const isOwnKey = pairs[name as 'ES256'].key === key
      assert.deepEqual(accepted, isOwnKey ? own : [], `${name} with the key of ${other}`)
    }
    const limited = importVerificationKey({ ...jwkOfPair(name), alg: name })
    assert.ok(limited)
    const names = every.filter((asked) => verifySignature(limited, asked, 'input', signature))
    assert.deepEqual(names, [name])
  }
  // Both are RSA: the key says which of the two it is for.
  const forPss = importVerificationKey({ ...rsa.jwk, alg: 'PS256' })
  assert.ok(forPss)
  assert.equal(verifySignature(forPss, 'RS256', 'input', signJws('RS256', rsa.privateJwk, 'input')), false)
})

const jwkOfPair = (name: string) => pairs[name as keyof typeof pairs].jwk

test('RFC 7523 §3, RFC 9449 §4.3: no assertion and no proof is taken with one character changed, wherever it stands', () => {
  const { jwk, privateJwk } = pairs.EdDSA
  const made = (input: string) => withSignature(input, signJws('EdDSA', privateJwk, input))
  const assertion = made(assertionInput('EdDSA'))
  const proof = made(proofInput('EdDSA', jwk))
  assert.ok(takeAssertion(assertion, jwk).isTaken && takeProof(proof).isTaken)
  const puts = ['A', 'Q', '-', '.', '=']
  for (const text of [assertion, proof]) {
    for (let at = 0; at < text.length; at++) {
      const put = puts[at % puts.length] ?? ''
      const changed = text.slice(0, at) + put + text.slice(at + 1)
      if (changed === text) continue
      assert.equal(
        takeAssertion(changed, jwk).isTaken || takeProof(changed).isTaken,
        false,
        `${put} at ${at}`,
      )
    }
  }
})

test('trust R22: no key, name, text or bytes make the check throw', () => {
  const key = fc.constantFrom(...Object.values(pairs).map((one) => one.key))
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 140 }),
    fc.constantFrom(32, 64, 96, 256).map((length) => new Uint8Array(length)),
  )
  fc.assert(
    fc.property(key, fc.constantFrom(...every), fc.string(), bytes, (own, name, text, signature) => {
      assert.ok(own && !verifySignature(own, name, text, signature))
    }),
    { numRuns: 300 },
  )
  fc.assert(fc.property(fc.anything(), (value) => importVerificationKey(value) === null))
})

test('RFC 7518 §3.2: a MAC is good under its own name, whole, and with a key as long as its hash', () => {
  const sizes = { HS256: 32, HS384: 48, HS512: 64 }
  const name = fc.constantFrom(...(Object.keys(sizes) as (keyof typeof sizes)[]))
  const secret = fc.uint8Array({ minLength: 31, maxLength: 65 })
  fc.assert(
    fc.property(name, secret, fc.string({ maxLength: 20 }), fc.nat(), (own, bytes, input, place) => {
      const key = createSecretKey(bytes)
      const mac = createHmac(`sha${own.slice(2)}`, key)
        .update(input)
        .digest()
      assert.equal(verifyMac(key, own, input, mac), bytes.length >= sizes[own])
      for (const other of every.concat(Object.keys(sizes)).filter((asked) => asked !== own))
        assert.equal(verifyMac(key, other, input, mac), false)
      for (const bad of [turn(mac, place), mac.subarray(1), Buffer.concat([mac, mac]), Buffer.alloc(0)])
        assert.equal(verifyMac(key, own, input, bad), false)
    }),
  )
})
