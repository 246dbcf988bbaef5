/**
 * What is remembered of a foreign hash after its upgrade, so that the blueprint that still holds it is no difference.
 * Under our pepper: of a plain digest anything less would let whoever steals the database go on guessing.
 */

import type { SecretHasher } from '../secret-hasher.ts'

export interface HashOrigin {
  readonly tenantId: string
  readonly clientId: string
  readonly format: string
  readonly verifier: Uint8Array
}

/** Null for a pepper that this process does not hold. */
export const originOf = (
  { compute }: Pick<SecretHasher, 'compute'>,
  pepperVersion: number,
  { tenantId, clientId, format, verifier }: HashOrigin,
): Buffer | null =>
  // No secret begins with a NUL: it is no HMAC of one.
  compute(pepperVersion, tenantId, clientId, `\0${format}\0${Buffer.from(verifier).toString('base64')}`)
