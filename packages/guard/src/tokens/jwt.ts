/** A JWT access token verified on the spot: RFC 9068 §4. */

import {
  type Jws,
  mediaTypeOf,
  type RefusalReason,
  readConfirmation,
  readJws,
  type Soon,
  whenKnown,
} from '@sallyport/protocol'
import { isTokenText } from '../credentials.ts'
import type { IssuerKeys } from '../keys/issuer-keys.ts'
import type { Runtime, VerificationKey } from '../runtime/runtime.ts'
import { accessOf, type VerifiedToken } from './access.ts'
import { checkClaims, type ExpectedClaims } from './check-claims.ts'
import type { TokenProfile } from './profile.ts'

export interface JwtVerifier extends ExpectedClaims {
  readonly issuer: string
  readonly keys: IssuerKeys
  readonly runtime: Runtime
}

/** Does not look at the time, nor at revocations: those are asked anew for each request. */
export function verifyJwt(text: string, verifier: JwtVerifier): Soon<VerifiedToken | RefusalReason> {
  const jws = readJws(text)
  if (jws === null) return isTokenText(text) ? 'token_malformed' : 'credentials_malformed'
  if (!isType(jws, verifier.profile)) return 'token_type'
  return whenKnown(signerOf(jws, verifier), (signer) =>
    typeof signer === 'string' ? signer : readSigned(jws, signer, verifier),
  )
}

function readSigned(
  { payload, signingInput }: Jws,
  { kid }: VerificationKey,
  verifier: JwtVerifier,
): Soon<VerifiedToken | RefusalReason> {
  const problem = checkClaims(payload, verifier)
  if (problem !== null) return problem
  const confirmation = readConfirmation(payload.cnf)
  if (confirmation === null && payload.cnf !== undefined) return 'confirmation_unknown'
  const { issuer, profile, runtime } = verifier
  const access = accessOf(payload, issuer, profile.claimNames)
  return whenKnown(payload.jti === undefined ? runtime.sha256(signingInput) : undefined, (digest) => {
    return { access, confirmation, keyId: kid ?? undefined, digest }
  })
}

/** RFC 8725 §3.11, RFC 7515 §4.1.9: a media type, whose case does not count, with or without `application/`. */
function isType(jws: Jws, { type, acceptMissing }: TokenProfile): boolean {
  const { typ } = jws.header
  if (typ === undefined) return acceptMissing.has('typ')
  return typ === type || mediaTypeOf(jws) === type
}

function signerOf(jws: Jws, { profile, keys }: JwtVerifier): Soon<VerificationKey | RefusalReason> {
  const kid = jws.header.kid ?? null
  if (kid === null ? !profile.acceptMissing.has('kid') || jws.header.kid === null : typeof kid !== 'string')
    return 'key_unknown'
  return whenKnown(keys.find(kid as string | null, jws.algorithm), (candidates) => {
    if (candidates === null) return 'keys_unavailable'
    return candidates.length === 0 ? 'key_unknown' : signerAmong(candidates, jws)
  })
}

function signerAmong(
  [key, ...others]: readonly VerificationKey[],
  jws: Jws,
): Soon<VerificationKey | 'signature'> {
  if (key === undefined) return 'signature'
  return whenKnown(key.hasSigned(jws.algorithm, jws.signingInput, jws.signature), (isSigner) =>
    isSigner ? key : signerAmong(others, jws),
  )
}
