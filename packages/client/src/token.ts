/** A token and its times: from when it is renewed, and until when it may be used. */

export interface AccessToken {
  readonly accessToken: string
  /** What stands before it in the `Authorization` header. */
  readonly tokenType: 'Bearer' | 'DPoP'
  /** Seconds since 1970 by this machine's clock; undefined if the server did not say. */
  readonly expiresAt: number | undefined
  /** Undefined if the server did not say. */
  readonly scope: string | undefined
}

export interface KeptToken {
  readonly token: AccessToken
  readonly renewFrom: number
  /** A request sent before arrives before the token is over. */
  readonly usableUntil: number
}

const earliestShare = 0.2
const longestLeadSeconds = 300
const longestSkewSeconds = 10

/**
 * Renewal begins when 10 to 20 % of the life is left, five minutes at the most: at another moment in each process, so that
 * many started together do not ask together. A server that hands good tokens out again makes a new one by then.
 */
export function keepToken(token: AccessToken, obtainedAt: number, random: () => number): KeptToken {
  const end = token.expiresAt ?? Number.POSITIVE_INFINITY
  const life = end - obtainedAt
  const lead = Math.min(life * earliestShare, longestLeadSeconds) * (1 - random() / 2)
  const skew = Math.min((life * earliestShare) / 2, longestSkewSeconds)
  return { token, renewFrom: end - lead, usableUntil: end - skew }
}

export const isExpired = ({ expiresAt }: AccessToken, now: number): boolean =>
  expiresAt !== undefined && now >= expiresAt
