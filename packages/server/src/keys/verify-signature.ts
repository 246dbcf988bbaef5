/** Signatures of others: which key may be used with which algorithm, and whether it has signed (RFC 7518 §3). */

import crypto, { createHmac, createPublicKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import {
  algorithmsOfJwk,
  type Jwk,
  readPublicJwk,
  type SignatureCheck,
  signatureChecks,
} from '@sallyport/protocol'
import { isMac, macs } from './macs.ts'

/** A public key, and the algorithms it may be used with: a header never chooses beyond them (RFC 8725 §3.1). */
export interface VerificationKey {
  readonly key: KeyObject
  readonly kid: string | null
  readonly algorithms: readonly string[]
}

const checks: Readonly<Record<string, SignatureCheck<KeyObject>>> = signatureChecks<KeyObject>(crypto)

/** Null for what is no public signature key that we take, a point beside its curve included. */
export function importVerificationKey(value: unknown): VerificationKey | null {
  const read = readPublicJwk(value)
  return 'problem' in read ? null : importJwk(read.jwk)
}

export function importJwk(jwk: Jwk): VerificationKey | null {
  try {
    const { kty, crv, x, y, n, e } = jwk
    const key = createPublicKey({ format: 'jwk', key: JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })) })
    return { key, kid: jwk.kid ?? null, algorithms: algorithmsOfJwk(jwk) }
  } catch {
    return null
  }
}

export function verifySignature(
  { key, algorithms }: VerificationKey,
  algorithm: string,
  signingInput: string,
  signature: Uint8Array,
): boolean {
  const check = algorithms.includes(algorithm) ? checks[algorithm] : undefined
  if (check === undefined) return false
  try {
    return check(key, signingInput, signature)
  } catch {
    return false
  }
}

/** In constant time. False for an algorithm that is no HMAC, and for a key shorter than its hash. */
export function verifyMac(
  key: KeyObject,
  algorithm: string,
  signingInput: string,
  signature: Uint8Array,
): boolean {
  if (!isMac(algorithm)) return false
  const { hash, keyBytes } = macs[algorithm]
  if ((key.symmetricKeySize ?? 0) < keyBytes) return false
  const expected = createHmac(hash, key).update(signingInput).digest()
  return expected.length === signature.length && timingSafeEqual(expected, signature)
}
