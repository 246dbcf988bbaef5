/** Web Crypto, for runtimes that have nothing else: each answer is a promise. */

import type { webcrypto } from 'node:crypto'
import { algorithmsOfJwk, encodeBase64url, type Jwk, type SignatureAlgorithm } from '@sallyport/protocol'
import type { Runtime, VerificationKey } from './runtime.ts'

type Importing = webcrypto.RsaHashedImportParams | webcrypto.EcKeyImportParams | webcrypto.AlgorithmIdentifier
type Verifying = webcrypto.EcdsaParams | webcrypto.RsaPssParams | webcrypto.AlgorithmIdentifier

interface WebAlgorithm {
  readonly importing: Importing
  readonly verifying: Verifying
}

const edwards: WebAlgorithm = { importing: 'Ed25519', verifying: 'Ed25519' }

/** RFC 7518 §3, RFC 8037 §3.1: one line an algorithm. */
const webAlgorithms: Readonly<Partial<Record<string, WebAlgorithm>>> = {
  ES256: {
    importing: { name: 'ECDSA', namedCurve: 'P-256' },
    verifying: { name: 'ECDSA', hash: 'SHA-256' },
  },
  ES384: {
    importing: { name: 'ECDSA', namedCurve: 'P-384' },
    verifying: { name: 'ECDSA', hash: 'SHA-384' },
  },
  RS256: {
    importing: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
    verifying: 'RSASSA-PKCS1-v1_5',
  },
  PS256: {
    importing: { name: 'RSA-PSS', hash: 'SHA-256' },
    verifying: { name: 'RSA-PSS', saltLength: 32 },
  },
  EdDSA: edwards,
  Ed25519: edwards,
} satisfies Record<SignatureAlgorithm, WebAlgorithm>

export const webRuntime: Runtime = {
  async importKey(jwk) {
    const keys = await importForEach(jwk)
    return keys.size === 0 ? null : verificationKey(jwk, keys)
  },
  async sha256(input) {
    return encodeBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytesOf(input))))
  },
}

/** A Web Crypto key is for one algorithm, and a JWK without `alg` may be for several. */
async function importForEach(jwk: Jwk): Promise<ReadonlyMap<string, webcrypto.CryptoKey>> {
  const { kty, crv, x, y, n, e } = jwk
  const plain: webcrypto.JsonWebKey = JSON.parse(JSON.stringify({ kty, crv, x, y, n, e }))
  const keys = new Map<string, webcrypto.CryptoKey>()
  for (const algorithm of algorithmsOfJwk(jwk)) {
    const known = webAlgorithms[algorithm]
    if (known === undefined) continue
    try {
      keys.set(algorithm, await crypto.subtle.importKey('jwk', plain, known.importing, false, ['verify']))
    } catch {
      // A point beside its curve, or an algorithm that this runtime does not have.
    }
  }
  return keys
}

const verificationKey = (jwk: Jwk, keys: ReadonlyMap<string, webcrypto.CryptoKey>): VerificationKey => ({
  kid: jwk.kid ?? null,
  algorithms: [...keys.keys()],
  async hasSigned(algorithm, signingInput, signature) {
    const key = keys.get(algorithm)
    const known = webAlgorithms[algorithm]
    if (key === undefined || known === undefined) return false
    return crypto.subtle.verify(known.verifying, key, bytesOf(signature), bytesOf(signingInput))
  },
})

const text = new TextEncoder()

/** Copied into memory of its own: Web Crypto takes no view of shared memory. */
const bytesOf = (input: string | Uint8Array): Uint8Array<ArrayBuffer> =>
  typeof input === 'string' ? text.encode(input) : new Uint8Array(input)
