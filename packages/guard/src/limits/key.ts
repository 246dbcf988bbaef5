/** Names of buckets: whose they are, and of which limit. No two of either share a name. */

import type { Limit } from './limit.ts'

export interface LimitOwner {
  /** Two tenants may have apps of one name. */
  readonly issuer: string
  /** Two APIs may have endpoints of one name, and one Redis. */
  readonly audience: string
  readonly clientId: string
  readonly endpoint: string
}

/**
 * The key of an app's bucket at an endpoint: two tokens of one app share it, two apps or two endpoints never do.
 *
 * ```ts
 * const taken = await limits.take(limitKey({ issuer, audience, clientId, endpoint: 'POST /payments' }), limit)
 * ```
 */
export function limitKey({ issuer, audience, clientId, endpoint }: LimitOwner): string {
  // JSON and not a delimiter: nothing inside a part can end it, and half a surrogate pair, which UTF-8 would turn
  // into the same character as any other half, is escaped.
  return JSON.stringify([issuer, audience, clientId, endpoint])
}

/** A limit that is changed begins with a full bucket: what was counted in parts of another size cannot be carried over. */
export const bucketName = (key: string, { name, requests, windowSeconds }: Limit): string =>
  `${requests}/${windowSeconds}/${name.length}/${name}${key}`
