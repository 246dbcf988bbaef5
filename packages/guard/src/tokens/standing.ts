/** Whether a token that was good when it was read still is: its times, and what has been cut off since. */

import {
  clockSkewSeconds,
  derivedFromClaim,
  type RefusalReason,
  readDerivedFrom,
  type TokenFacts,
} from '@sallyport/protocol'
import type { SubjectClaims } from '../revocation/told.ts'
import type { Claims, VerifiedToken } from './access.ts'

/** RFC 7519 §4.1.5: a small leeway, because no two clocks agree. An `exp` has none: a dead token is dead. */
export function checkTimes({ access: { claims } }: VerifiedToken, now: number): RefusalReason | null {
  if (typeof claims.exp === 'number' && now >= claims.exp) return 'expired'
  if (typeof claims.nbf === 'number' && claims.nbf > now + clockSkewSeconds) return 'not_yet_valid'
  return typeof claims.iat === 'number' && claims.iat > now + clockSkewSeconds ? 'not_yet_valid' : null
}

/**
 * What cut-offs are held against, by the claims that the issuer names. A claim that holds the app's id in the tenant's
 * dialect holds the user's in a token that speaks for one, or the organization's in that of an app which has left the
 * dialect: as no two of them share an id, each counts as either.
 */
export function factsOf({ access, keyId, digest }: VerifiedToken, names: SubjectClaims): TokenFacts {
  const { claims, clientId: clientIdOfProfile, organizationId: organizationOfProfile } = access
  const issuedAt = access.issuedAt ?? undefined
  const credentialId = first(claims, names.credential)
  const [clientId, ...clientIds] = distinct(textsAt(claims, names.app), clientIdOfProfile)
  const [organizationId, ...organizationIds] = distinct(
    textsAt(claims, names.organization),
    organizationOfProfile,
  )
  const [userId, ...userIds] = distinct(textsAt(claims, names.user), null)
  return {
    ...{ issuedAt, keyId, clientId, credentialId, organizationId, userId },
    tokenId: first(claims, names.token) ?? digest,
    madeFrom: [
      ...clientIds.map((clientId) => ({ issuedAt, clientId, credentialId })),
      ...organizationIds.map((organizationId) => ({ issuedAt, organizationId })),
      ...userIds.map((userId) => ({ issuedAt, userId })),
      ...(readDerivedFrom(claims[derivedFromClaim]) ?? []),
    ],
  }
}

/** With what the API's own options say that its tokens hold, which the issuer may have forgotten since. */
const distinct = (told: readonly string[], own: string | null): readonly string[] => [
  ...new Set(own === null ? told : [...told, own]),
]

const textsAt = (claims: Claims, names: readonly string[]): string[] =>
  names.flatMap((name) => {
    const value = claims[name]
    return typeof value === 'string' ? [value] : []
  })

const first = (claims: Claims, names: readonly string[]): string | undefined => textsAt(claims, names)[0]
