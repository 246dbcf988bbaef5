/** A tenant's own key as it is used to read tokens back: whatever it has signed, and nothing of another algorithm. */

import type { KeyObject } from 'node:crypto'
import type { Jws } from '@sallyport/protocol'
import type { SigningKeyRecord } from '../store/signing-keys.ts'
import type { Sealer } from './sealing.ts'
import { verificationKeyOf } from './signing-keys.ts'
import { verifyMac, verifySignature } from './verify-signature.ts'

export interface OwnKey {
  readonly kid: string
  readonly algorithm: string
  /** Set for a symmetric key, which belongs to one API. */
  readonly apiId: string | null
  hasSigned(jws: Jws): boolean
}

/** The key is opened when it is first asked: most tenants are never asked about their tokens. */
export function ownKeyFrom(sealer: Sealer, tenantId: string, record: SigningKeyRecord): OwnKey {
  const { kid, algorithm, apiId } = record
  let opened: KeyObject | undefined
  return {
    kid,
    algorithm,
    apiId,
    hasSigned(jws) {
      // RFC 8725 §3.1: the algorithm is the key's own, never the token's word.
      if (jws.algorithm !== algorithm) return false
      opened ??= verificationKeyOf(sealer, tenantId, record)
      const { signingInput, signature } = jws
      if (apiId !== null) return verifyMac(opened, algorithm, signingInput, signature)
      return verifySignature(
        { key: opened, kid, algorithms: [algorithm] },
        algorithm,
        signingInput,
        signature,
      )
    },
  }
}
