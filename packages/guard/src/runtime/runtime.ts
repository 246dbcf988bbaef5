/** What the guard computes with: keys, signatures and digests, as a runtime offers them. */

import type { Jwk, Soon } from '@sallyport/protocol'

/** A public key, and the algorithms it may be used with: a header never chooses beyond them (RFC 8725 §3.1). */
export interface VerificationKey {
  readonly kid: string | null
  readonly algorithms: readonly string[]
  /** False too for a signature of the wrong length, and for an algorithm that the key does not have. */
  hasSigned(algorithm: string, signingInput: string, signature: Uint8Array): Soon<boolean>
}

export interface Runtime {
  /** Null for a key that the runtime cannot use, a point beside its curve included. */
  importKey(jwk: Jwk): Soon<VerificationKey | null>
  /** Of ASCII text or of bytes, in base64url. */
  sha256(input: string | Uint8Array): Soon<string>
}
