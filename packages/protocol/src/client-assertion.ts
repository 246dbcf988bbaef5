/** The claims of a client assertion: who, for whom, until when, and once. RFC 7523 §3. */

import { clockSkewSeconds, isInstant } from './instant.ts'
import { type Jws, mediaTypeOf } from './jws.ts'

const maximumLifetimeSeconds = 300
const longestIdCharacters = 256

type Claims = Readonly<Record<string, unknown>>

export interface ExpectedAssertion {
  readonly clientId: string
  /** What `aud` may be; one text, compared exactly. */
  readonly audiences: readonly string[]
  /** Epoch seconds. */
  readonly now: number
}

export type CheckedAssertion =
  /** `expiresAt` is when nobody can bring it any more, skew included, and follows from the assertion alone. */
  | { readonly ok: true; readonly jti: string; readonly expiresAt: number }
  /** For the log; it repeats nothing of the assertion. */
  | { readonly ok: false; readonly reason: string }

const assertionTypes: ReadonlySet<string | null> = new Set(['jwt', 'client-authentication+jwt', null])

/** RFC 8725 §3.11, RFC 10070 §4: what was made for another purpose says so. Most that are made for this one still say nothing. */
export const isAssertionType = (jws: Pick<Jws, 'header'>): boolean => assertionTypes.has(mediaTypeOf(jws))

/**
 * Checks the claims of an assertion whose signature is good. An absent claim never passes for a good one.
 *
 * `aud` must be exactly one text: with lists another server's assertion could be replayed here (CVE-2025-27370), and a list
 * of one, which RFC 10070 §4 would take, is refused with them (FAPI 2.0 §5.3.2.1 no. 8). An assertion lives five minutes at
 * most, from now, or from its `iat` where that lies ahead within the skew: the client's clock does too. RFC 7523 §3.
 */
export function checkClientAssertion(claims: Claims, expected: ExpectedAssertion): CheckedAssertion {
  const reason = problemOf(claims, expected)
  if (reason !== null) return { ok: false, reason }
  const { exp, jti } = claims as { readonly exp: number; readonly jti: string }
  return { ok: true, jti, expiresAt: Math.ceil(exp) + clockSkewSeconds }
}

function problemOf(claims: Claims, { clientId, audiences, now }: ExpectedAssertion): string | null {
  const { iss, sub, aud, jti } = claims
  if (iss !== clientId || sub !== clientId) return 'assertion whose iss and sub are not both the client'
  if (typeof aud !== 'string' || !audiences.includes(aud)) return 'assertion for another audience'
  if (typeof jti !== 'string' || jti === '' || jti.length > longestIdCharacters)
    return 'assertion without a usable jti'
  return problemOfTimes(claims, now)
}

function problemOfTimes({ exp, nbf, iat }: Claims, now: number): string | null {
  if (!isInstant(exp)) return 'assertion without exp'
  if (exp <= now - clockSkewSeconds) return 'assertion expired'
  for (const start of [nbf, iat]) {
    if (start === undefined) continue
    if (!isInstant(start)) return 'assertion with an nbf or iat that is no time'
    if (start > now + clockSkewSeconds) return 'assertion from the future'
  }
  // By now an `iat` lies at most the skew ahead, so it stretches the five minutes by no more than that.
  const begin = isInstant(iat) ? Math.max(now, iat) : now
  return exp > begin + maximumLifetimeSeconds ? 'assertion that lives longer than five minutes' : null
}
