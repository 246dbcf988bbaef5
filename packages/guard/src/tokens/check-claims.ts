/** The claims of a token whose signature is the issuer's: RFC 9068 §4, RFC 8725 §3. What time does to them is elsewhere. */

import type { RefusalReason } from '@sallyport/protocol'
import { areScopes, type Claims } from './access.ts'
import type { Omissible, TokenProfile } from './profile.ts'

export interface ExpectedClaims {
  readonly profile: TokenProfile
  readonly audience: string
}

/** Null if they are all right. `null`, an empty text, an empty list and an object are there and wrong, never missing. */
export function checkClaims(claims: Claims, { profile, audience }: ExpectedClaims): RefusalReason | null {
  const { acceptMissing, claimNames, issuer } = profile
  const isThere = (name: string, omissible: Omissible, isRight: (value: unknown) => boolean): boolean => {
    const value = claims[name]
    return value === undefined ? acceptMissing.has(omissible) : isRight(value)
  }
  if (!isThere('iss', 'iss', (value) => value === issuer)) return 'issuer'
  if (!isThere('aud', 'aud', (value) => names(value, audience))) return 'audience'
  const areThere =
    isThere('exp', 'exp', isInstant) &&
    isThere('iat', 'iat', isInstant) &&
    isThere('jti', 'jti', isText) &&
    isThere(claimNames.subject, 'sub', isText) &&
    isThere(claimNames.clientId, 'client_id', isText)
  if (!areThere || (claims.nbf !== undefined && !isInstant(claims.nbf))) return 'claim_missing'
  if (!areScopes(claims[claimNames.scope])) return 'claim_missing'
  return isAccessToken(claims, profile) ? null : 'token_type'
}

/**
 * The claims of an answer of the issuer's own, who has looked at the token: RFC 7662 §2.2 requires none of them. What is
 * there must still be right, and an API must not take a token for another one of those that its app asks about.
 */
export function checkAnswer(claims: Claims, { profile, audience }: ExpectedClaims): RefusalReason | null {
  const { acceptMissing, issuer } = profile
  const { iss = issuer, aud } = claims
  if (iss !== issuer) return 'issuer'
  if (aud === undefined ? !acceptMissing.has('aud') : !names(aud, audience)) return 'audience'
  const areTimes = [claims.exp, claims.iat, claims.nbf].every((time) => time === undefined || isInstant(time))
  if (!areTimes) return 'claim_missing'
  return isAccessToken(claims, profile) ? null : 'token_type'
}

/** RFC 7519 §4.1.3: one text, or a list of them. */
function names(aud: unknown, audience: string): boolean {
  if (typeof aud === 'string') return aud === audience
  return Array.isArray(aud) && aud.every(isText) && aud.includes(audience)
}

/** 001-12: `token_use` says what a token is for, whether or not the profile asks. */
function isAccessToken(claims: Claims, { require }: TokenProfile): boolean {
  if (claims.token_use !== undefined && claims.token_use !== 'access') return false
  return require.every(([name, value]) => claims[name] === value)
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== ''
const isInstant = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value)
