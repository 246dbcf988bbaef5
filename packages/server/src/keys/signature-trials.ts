/**
 * The keys that one token is tried with: few, each once, and one at least. A token that no key fits is held against
 * nobody's, or the time of a refusal would tell who exists.
 */

import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import type { Jws, SignatureAlgorithm } from '@sallyport/protocol'
import { type VerificationKey, verifySignature } from './verify-signature.ts'

// Whoever sends a token decides that it is tried, and strangers send them too.
const keysTried = 10

/**
 * Those that a token with this `kid` may mean, the surest first, since not all of them may be tried: its own, then those
 * without a name.
 */
export function meantBy<Held>(
  kid: string | null,
  held: readonly Held[],
  kidOf: (one: Held) => string | null,
): readonly Held[] {
  const named = (name: string | null) => held.filter((one) => kidOf(one) === name)
  return kid === null ? held : [...named(kid), ...named(null)]
}

export interface SignatureTrials {
  /** The first of `keys` that has signed the token. Keys of another kind, and what is beyond the limit, are not tried. */
  findSigner(keys: readonly VerificationKey[]): VerificationKey | undefined
  /** To be called before a refusal. */
  imitateMissing(): void
}

export function createSignatureTrials(jws: Jws): SignatureTrials {
  const outcomes = new Map<VerificationKey, boolean>()

  function hasSigned(key: VerificationKey): boolean {
    const known = outcomes.get(key)
    if (known !== undefined || outcomes.size >= keysTried) return known ?? false
    const outcome = verifySignature(key, jws.algorithm, jws.signingInput, jws.signature)
    outcomes.set(key, outcome)
    return outcome
  }

  return {
    findSigner: (keys) => keys.find((key) => fits(key, jws) && hasSigned(key)),
    imitateMissing() {
      if (outcomes.size === 0) imitate(jws)
    },
  }
}

/** RFC 8017 §8.1.2, §8.2.2: a signature is as long as its modulus, so that by its length a stranger would ask for ours. */
const fits = ({ key, algorithms }: VerificationKey, { algorithm, signature }: Jws): boolean =>
  algorithms.includes(algorithm) &&
  (key.asymmetricKeyType !== 'rsa' || modulusBytes(key) === signature.length)

const modulusBytes = ({ asymmetricKeyDetails }: KeyObject): number =>
  Math.ceil((asymmetricKeyDetails?.modulusLength ?? 0) / 8)

const decoy = (key: KeyObject, ...algorithms: SignatureAlgorithm[]): VerificationKey => ({
  key,
  kid: null,
  algorithms,
})

/** Of no primes, which takes no time to make and as much to compute with. */
function rsaDecoy(bytes: number): VerificationKey {
  const modulus = Buffer.alloc(bytes, 0xc5)
  const jwk = { kty: 'RSA', n: modulus.toString('base64url'), e: 'AQAB' }
  return decoy(createPublicKey({ format: 'jwk', key: jwk }), 'PS256', 'RS256')
}

const decoys: readonly VerificationKey[] = [
  decoy(generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey, 'ES256'),
  decoy(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey, 'ES384'),
  decoy(generateKeyPairSync('ed25519').publicKey, 'EdDSA', 'Ed25519'),
  ...[256, 384, 512].map(rsaDecoy),
]

function imitate(jws: Jws): void {
  const ofKind = decoys.filter(({ algorithms }) => algorithms.includes(jws.algorithm))
  const fitting = ofKind.find((key) => fits(key, jws))
  if (fitting !== undefined) verifySignature(fitting, jws.algorithm, jws.signingInput, jws.signature)
}
