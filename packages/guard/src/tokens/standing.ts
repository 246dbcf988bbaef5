/** Whether a token that was good when it was read still is: its times, and what has been cut off since. */

import { derivedFromClaim, type RefusalReason, readDerivedFrom, type TokenFacts } from '@sallyport/protocol'
import type { SubjectClaims } from '../revocation/told.ts'
import type { Claims, VerifiedToken } from './access.ts'

/** RFC 7519 §4.1.5: a small leeway, because no two clocks agree. An `exp` has none: a dead token is dead. */
const leewaySeconds = 60

export function checkTimes({ access: { claims } }: VerifiedToken, now: number): RefusalReason | null {
  if (typeof claims.exp === 'number' && now >= claims.exp) return 'expired'
  if (typeof claims.nbf === 'number' && claims.nbf > now + leewaySeconds) return 'not_yet_valid'
  return typeof claims.iat === 'number' && claims.iat > now + leewaySeconds ? 'not_yet_valid' : null
}

/**
 * What cut-offs are held against, by the claims that the issuer names. A claim that holds the app's id in the tenant's
 * dialect holds the user's in a token that speaks for one: as no two of them share an id, each counts as either.
 */
export function factsOf({ access, keyId, digest }: VerifiedToken, names: SubjectClaims): TokenFacts {
  const { claims } = access
  const issuedAt = access.issuedAt ?? undefined
  const credentialId = first(claims, names.credential)
  const [clientId, ...others] = new Set(textsAt(claims, names.app))
  return {
    ...{ issuedAt, keyId, clientId, credentialId },
    organizationId: first(claims, names.organization),
    userId: first(claims, names.user),
    tokenId: first(claims, names.token) ?? digest,
    madeFrom: [
      ...others.map((clientId) => ({ issuedAt, clientId, credentialId })),
      ...(readDerivedFrom(claims[derivedFromClaim]) ?? []),
    ],
  }
}

const textsAt = (claims: Claims, names: readonly string[]): string[] =>
  names.flatMap((name) => {
    const value = claims[name]
    return typeof value === 'string' ? [value] : []
  })

const first = (claims: Claims, names: readonly string[]): string | undefined => textsAt(claims, names)[0]
