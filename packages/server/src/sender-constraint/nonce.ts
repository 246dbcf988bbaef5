/**
 * The nonces that DPoP proofs must hold where a tenant asks for them (RFC 9449 §8). They follow from the time and a key
 * that all nodes share, so nothing is stored and any node knows the nonce of any other.
 */

import type { SecretHasher } from '../keys/secret-hasher.ts'

const periodSeconds = 60
// A proof that was made with the nonce of two minutes ago has only been slow.
const periodsAccepted = 3
// 132 bits of the MAC.
const nonceCharacters = 22

const periodAt = (now: number): number => Math.floor(now / periodSeconds)

/** No client id holds a blank, so no secret's HMAC can be a nonce. */
const nonceOf = (hasher: SecretHasher, tenantId: string, period: number): string =>
  (hasher.compute(hasher.currentVersion, tenantId, 'dpop nonce', String(period)) ?? Buffer.alloc(0))
    .toString('base64url')
    .slice(0, nonceCharacters)

export const currentNonce = (hasher: SecretHasher, tenantId: string, now: number): string =>
  nonceOf(hasher, tenantId, periodAt(now))

/** The nonces that may still be used; the first is the one to hand out. */
export const acceptedNonces = (hasher: SecretHasher, tenantId: string, now: number): readonly string[] =>
  Array.from({ length: periodsAccepted }, (_, age) => nonceOf(hasher, tenantId, periodAt(now) - age))
