/**
 * A bucket: a sliding window over a sampled log.
 *
 * A fixed window lets twice the limit pass across its edge, and so do token buckets and GCRA (the whole burst, then
 * what flows in while the window lasts). Here no stretch of `windowSeconds`, wherever it begins, passes more than a
 * sixteenth above the limit. The log has the instant of the first request of each sixteenth part of the quota and not
 * of every request: 31 numbers at the most, however large the limit. A part leaves when its first request leaves the
 * window, so nobody waits longer than by an exact log, and the excess is less than one part.
 *
 * shared-window.ts says the same in Lua.
 */

import type { Limit, Taken } from './limit.ts'

const parts = 16

/** How many requests stand behind one instant. */
export const partOf = ({ requests }: Limit): number => Math.max(1, Math.floor(requests / parts))

export interface Bucket {
  readonly requests: number
  readonly windowMilliseconds: number
  readonly part: number
  /** When the first request of each part came. All parts but the last are full. */
  partStarts: number[]
  inLastPart: number
}

export const emptyBucket = (limit: Limit): Bucket => ({
  requests: limit.requests,
  windowMilliseconds: limit.windowSeconds * 1000,
  part: partOf(limit),
  partStarts: [],
  inLastPart: 0,
})

/** How a bucket stands after a request. */
export interface Standing {
  readonly isAllowed: boolean
  readonly used: number
  readonly millisecondsToNext: number
  readonly millisecondsToFull: number
}

const usedIn = ({ partStarts, part, inLastPart }: Bucket): number =>
  partStarts.length === 0 ? 0 : (partStarts.length - 1) * part + inLastPart

/** A clock that was set back moves the log with it: else it would hold everybody up until it has caught up. */
function setBack({ partStarts }: Bucket, now: number): void {
  const ahead = (partStarts.at(-1) ?? now) - now
  if (ahead <= 0) return
  for (const [index, start] of partStarts.entries()) partStarts[index] = start - ahead
}

function forget({ partStarts, windowMilliseconds }: Bucket, now: number): void {
  while (partStarts[0] !== undefined && partStarts[0] <= now - windowMilliseconds) partStarts.shift()
}

function count(bucket: Bucket, now: number): void {
  const { partStarts, inLastPart, part } = bucket
  if (partStarts.length > 0 && inLastPart < part) {
    bucket.inLastPart += 1
    return
  }
  // The first push onto an empty array makes room for 17, and most apps of a flood ask once.
  if (partStarts.length === 0) bucket.partStarts = [now]
  else partStarts.push(now)
  bucket.inLastPart = 1
}

/** Counts a request at `now`, in milliseconds, if there is room for it. */
export function takeFrom(bucket: Bucket, now: number): Standing {
  setBack(bucket, now)
  forget(bucket, now)
  const isAllowed = usedIn(bucket) < bucket.requests
  if (isAllowed) count(bucket, now)
  const { partStarts, windowMilliseconds } = bucket
  return {
    isAllowed,
    used: usedIn(bucket),
    millisecondsToNext: (partStarts[0] ?? now) + windowMilliseconds - now,
    millisecondsToFull: (partStarts.at(-1) ?? now) + windowMilliseconds - now,
  }
}

/** Takes back the request that was counted last. */
export function giveBackTo(bucket: Bucket): void {
  if (bucket.partStarts.length === 0) return
  bucket.inLastPart -= 1
  if (bucket.inLastPart > 0) return
  bucket.partStarts.pop()
  bucket.inLastPart = bucket.part
}

/** When nothing that was counted is in the window any more. */
export const fullAgainAt = ({ partStarts, windowMilliseconds }: Bucket): number =>
  (partStarts.at(-1) ?? Number.NEGATIVE_INFINITY) + windowMilliseconds

/** A bucket in which so many stand in the last part, and parts began so long ago, the oldest first. */
export function bucketOf(limit: Limit, { inLastPart, ages }: BucketState, now: number): Bucket {
  return { ...emptyBucket(limit), inLastPart, partStarts: ages.map((age) => now - age) }
}

export interface BucketState {
  readonly inLastPart: number
  /** Milliseconds. */
  readonly ages: readonly number[]
}

/** Seconds are rounded up, so that who waits for so long is not too early. */
export function takenFrom(
  { requests }: Pick<Limit, 'requests'>,
  standing: Standing,
  isShared: boolean,
): Taken {
  // What several processes have counted apart may be more than there was.
  const remaining = Math.max(0, requests - standing.used)
  const secondsToNext = Math.ceil(standing.millisecondsToNext / 1000)
  return {
    isAllowed: standing.isAllowed,
    remaining,
    // draft-ietf-httpapi-ratelimit-headers-11 §8.5: with the time to the next single request, a client that divides
    // would read a higher rate out of it than the policy has. With nothing left there is nothing to divide.
    resetSeconds: remaining > 0 ? Math.ceil(standing.millisecondsToFull / 1000) : secondsToNext,
    retryAfterSeconds: remaining > 0 ? 0 : secondsToNext,
    isShared,
  }
}
