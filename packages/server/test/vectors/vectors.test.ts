// Every vector that can be had: our own samples always, and those of Wycheproof's form beside the checkout, or in the
// folder that SALLYPORT_VECTORS names. front-door.ts says what a vector goes through, and what that protects.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { importVerificationKey } from '../../src/keys/verify-signature.ts'
import {
  acceptedUnder,
  assertionInput,
  expectationOf,
  isOurKey,
  ourAlgorithms,
  proofInput,
  signJws,
  takeAssertion,
  takeProof,
  withSignature,
} from './front-door.ts'
import { readVectorFile, type Vector, type VectorFile } from './wycheproof.ts'

const samples = fileURLToPath(new URL('samples/', import.meta.url))
const beside = fileURLToPath(new URL('../../../../../shared/vectors/', import.meta.url))
const named = process.env.SALLYPORT_VECTORS

interface Found extends VectorFile {
  readonly file: string
}

function vectorsIn(folder: string): readonly Found[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name.endsWith('.json'),
  )
  return files.flatMap(({ parentPath, name }) => {
    const path = join(parentPath, name)
    const read = readVectorFile(JSON.parse(readFileSync(path, 'utf8')))
    return read === null || read.vectors.length === 0 ? [] : [{ file: relative(folder, path), ...read }]
  })
}

function testAll(found: readonly Found[], place: string): void {
  for (const { file, vectors, passedOver } of found) {
    const expected = vectors.map(expectationOf)
    const count = (what: string) => expected.filter((one) => one === what).length
    const counts = `${count('accept')} to accept, ${count('refuse')} to refuse, ${count('either')} left to us`
    const more = passedOver === 0 ? '' : `, and ${passedOver} that are no signatures of ours`
    test(`RFC 7518 §3, RFC 8725 §3.5: ${vectors.length} vectors of ${file} (${place}): ${counts}${more}`, () => {
      for (const vector of vectors) assertVector(vector)
    })
    const wrapped = [...new Map(vectors.map((vector) => [JSON.stringify(vector.jwk), vector])).values()]
    const withKey = wrapped.filter(({ privateJwk }) => privateJwk !== null).length
    test(`RFC 7523 §3, RFC 9449 §4.3: ${vectors.length} of ${file} (${place}) as assertion and as proof, ${withKey} of ${wrapped.length} keys sign anew`, () => {
      const isGood = keysWithGoodVectors(vectors)
      for (const vector of vectors) assertRefusedAround(vector, isGood(vector))
      for (const vector of wrapped) assertSignsAnew(vector, isGood(vector))
    })
  }
}

function assertVector(vector: Vector): void {
  const accepted = acceptedUnder(vector)
  const { name, jwk } = vector
  if (jwk.kty !== 'oct' && !isOurKey(jwk)) assert.equal(importVerificationKey(jwk), null, name)
  const own = vector.kind === 'jws' ? accepted : ownNames(vector.algorithm)
  const isOwn = (algorithm: string) => own.includes(algorithm)
  const expected = expectationOf(vector)
  if (expected === 'accept')
    assert.ok(accepted.length > 0 && own.every((one) => accepted.includes(one)), name)
  if (expected === 'refuse') assert.deepEqual(accepted.filter(isOwn), [], name)
  // A signature that is good under two names would let the sender choose: RFC 8725 §3.1.
  if (vector.result === 'valid') assert.ok(accepted.every(isOwn), name)
}

/** RFC 9864: Ed25519 has two names. */
const ownNames = (algorithm: string | null): readonly string[] =>
  algorithm === null ? [] : algorithm === 'EdDSA' ? ['EdDSA', 'Ed25519'] : [algorithm]

const fittingOf = (jwk: Vector['jwk']): readonly string[] =>
  importVerificationKey(jwk)?.algorithms ?? (jwk.kty === 'RSA' ? ['RS256', 'PS256'] : ['ES256', 'EdDSA'])

/** That a key may be used is known where a signature of it must be taken. */
function keysWithGoodVectors(vectors: readonly Vector[]): (vector: Vector) => boolean {
  const good = vectors
    .filter((vector) => expectationOf(vector) === 'accept')
    .map(({ jwk }) => JSON.stringify(jwk))
  const keys = new Set(good)
  return ({ jwk }) => keys.has(JSON.stringify(jwk))
}

/** The signature is of something else, whatever its own file says of it. */
function assertRefusedAround(vector: Vector, isGoodKey: boolean): void {
  const { jwk, name } = vector
  const signature =
    vector.kind === 'bytes' ? vector.signature : Buffer.from(vector.jws.split('.')[2] ?? '', 'base64url')
  if (jwk.kty === 'oct' || signature === null) return
  for (const algorithm of fittingOf(jwk)) {
    const assertion = takeAssertion(withSignature(assertionInput(algorithm), signature), jwk)
    const proof = takeProof(withSignature(proofInput(algorithm, jwk), signature))
    assert.ok(!assertion.isTaken && !proof.isTaken, name)
    // Not refused for anything else; only an empty signature makes it no JWS at all.
    if (isGoodKey && signature.length > 0) assert.ok(assertion.isRead && proof.isRead, name)
  }
}

function assertSignsAnew({ jwk, privateJwk, name }: Vector, isGoodKey: boolean): void {
  if (privateJwk === null || jwk.kty === 'oct') return
  for (const algorithm of fittingOf(jwk)) {
    const [assertion, proof] = [assertionInput(algorithm), proofInput(algorithm, jwk)].map((input) => {
      const signature = trySign(algorithm, privateJwk, input)
      return signature && withSignature(input, signature)
    })
    // A private key that the platform refuses can sign nothing.
    if (!assertion || !proof) continue
    const taken = [takeAssertion(assertion, jwk).isTaken, takeProof(proof).isTaken]
    if (isGoodKey) assert.deepEqual(taken, [true, true], name)
    if (!isOurKey(jwk)) assert.deepEqual(taken, [false, false], name)
  }
}

function trySign(algorithm: string, privateJwk: Vector['jwk'], input: string): Buffer | null {
  try {
    return signJws(algorithm, privateJwk, input)
  } catch {
    return null
  }
}

const own = vectorsIn(samples)
testAll(own, 'our samples')

test('RFC 7518 §3.1: the samples hold something to accept and something to refuse of every algorithm', () => {
  const vectors = own.flatMap((found) => found.vectors).filter((vector) => vector.kind === 'bytes')
  for (const algorithm of ourAlgorithms.filter((name) => name !== 'Ed25519')) {
    const expected = vectors.filter((vector) => vector.algorithm === algorithm).map(expectationOf)
    assert.ok(expected.includes('accept') && expected.includes('refuse'), algorithm)
  }
})

if (named !== undefined) testAll(vectorsIn(named), 'SALLYPORT_VECTORS')
if (existsSync(beside)) testAll(vectorsIn(beside), '../shared/vectors')
else if (named === undefined)
  test('RFC 7518 §3: no vectors beside the checkout and none by SALLYPORT_VECTORS: the samples alone', {
    skip: true,
  })
