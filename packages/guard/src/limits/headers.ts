/** What a client is told about its limit: draft-ietf-httpapi-ratelimit-headers-11, in structured fields of RFC 9651. */

import type { Limit, Taken } from './limit.ts'

/** RFC 9651 §4.1.6. A name that `checkLimit` let through has no other characters than a String may have. */
const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`

export type RateLimitHeaders = Readonly<
  Record<'RateLimit-Policy' | 'RateLimit', string> & Partial<Record<'Retry-After', string>>
>

/**
 * The fields for an answer, refused or not. Both are Lists, so those of a second limit may be appended.
 *
 * ```ts
 * for (const [name, value] of Object.entries(rateLimitHeaders(limit, taken))) response.headers.append(name, value)
 * ```
 */
export function rateLimitHeaders(limit: Limit, taken: Taken): RateLimitHeaders {
  const name = quoted(limit.name)
  return {
    'RateLimit-Policy': `${name};q=${limit.requests};w=${limit.windowSeconds}`,
    RateLimit: `${name};r=${taken.remaining};t=${taken.resetSeconds}`,
    // §6: not earlier than the end of the effective window; with nothing left the two are the same.
    ...(taken.isAllowed ? {} : { 'Retry-After': `${taken.retryAfterSeconds}` }),
  }
}
