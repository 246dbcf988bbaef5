/** What a limit is, what taking from it answers, and where buckets are kept. */

/** So many requests in any stretch of so many seconds. An endpoint that wants two (a burst, a day) has two limits. */
export interface Limit {
  /** The policy's name in `RateLimit` and `RateLimit-Policy`. */
  readonly name: string
  readonly requests: number
  readonly windowSeconds: number
}

/** What taking from a limit answers: what `RateLimit` and `Retry-After` are made of. */
export interface Taken {
  readonly isAllowed: boolean
  /** How many more pass at once. */
  readonly remaining: number
  /** The effective window: who asks for no more than `remaining` within it is served. */
  readonly resetSeconds: number
  /** When one more request will pass; 0 while some remain. */
  readonly retryAfterSeconds: number
  /** Whether other processes were counted too. */
  readonly isShared: boolean
}

/**
 * Where buckets are kept: `take` counts one request if the bucket of this key and limit has room for it. It remains the
 * caller's, as two guards may count in one: a guard that is closed leaves it open.
 */
export interface LimitStore {
  take(key: string, limit: Limit): Taken | Promise<Taken>
  /** How it counts at present. A store that does not say counts for itself alone, or is nobody's business. */
  standing?(): StoreStanding
}

/** Whether processes count together. */
export interface StoreStanding {
  readonly isShared: boolean
  /** For how long it has been so. */
  readonly milliseconds: number
  /** What sharing last failed with, although it may work again; null where it never did. */
  readonly failure: unknown
  /** How many requests were counted without the others since the start. */
  readonly countedAlone: number
}

// RFC 9651 §3.3.1: no Integer is larger. Milliseconds of a longer window would not be exact either.
const largestInteger = 999_999_999_999_999
const longestWindowSeconds = 366 * 86_400

const isInteger = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most

/**
 * Refuses a limit that no bucket can hold or no header can say, with a `TypeError`. Call it once where limits are
 * read: the stores and the headers do not look again.
 *
 * ```ts
 * checkLimit({ name: 'payments', requests: 600, windowSeconds: 60 })
 * ```
 */
export function checkLimit({ name, requests, windowSeconds }: Limit): void {
  if (typeof name !== 'string' || !/^[\x20-\x7e]+$/.test(name)) {
    throw new TypeError('The name of a limit is printable ASCII.')
  }
  if (!isInteger(requests, 0, largestInteger)) {
    throw new TypeError(`The requests of limit ${name} are a whole number, 0 or more.`)
  }
  if (!isInteger(windowSeconds, 1, longestWindowSeconds)) {
    throw new TypeError(`The window of limit ${name} is a whole number of seconds, from 1 to a year.`)
  }
}

/** What limits are called that have no name of their own. */
const standardName = 'app'

/**
 * The limit that somebody has said, as programs write it or as blueprints and OpenAPI documents do (`window_seconds`).
 * Throws `TypeError` for what is none. A limit that is whole is answered as it is.
 */
export function readLimit(value: unknown): Limit {
  if (typeof value !== 'object' || value === null) throw new TypeError('A limit has requests and a window.')
  const limit = isWhole(value) ? value : spelledOut(value as Said)
  checkLimit(limit)
  return limit
}

const isWhole = (value: object): value is Limit =>
  'name' in value && 'requests' in value && 'windowSeconds' in value

type Said = Readonly<Record<string, unknown>>

/** Whatever its members are: they are checked next. */
function spelledOut(said: Said): Limit {
  const { name = standardName, requests, windowSeconds, window_seconds: seconds = windowSeconds } = said
  return { name, requests, windowSeconds: seconds } as Limit
}
