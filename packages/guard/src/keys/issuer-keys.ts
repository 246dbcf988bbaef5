/**
 * The issuer's public keys: fetched when they are first needed and again when they grow old, one fetch at a time. While
 * the issuer cannot be reached the last ones serve, up to an age; a flood of unknown `kid`s costs one fetch a cool-down.
 * Where there are none to serve, a fetch that failed is repeated soon: an issuer that starts again is back in seconds.
 */

import { readPublicJwk, type Soon } from '@sallyport/protocol'
import type { Runtime, VerificationKey } from '../runtime/runtime.ts'

export interface IssuerKeys {
  /** Those that a token may have been signed with; several only where it names none. Null while there are no keys. */
  find(kid: string | null, algorithm: string): Soon<readonly VerificationKey[] | null>
  /** Another number after each change: what an older set has verified is to be verified again. */
  readonly edition: number
  /** Whether what the keys of that edition have verified still counts. Has them fetched again as `find` does. */
  holds(edition: number): boolean
  /** Epoch seconds; null before the first fetch. */
  readonly fetchedAt: number | null
  /** Why the last fetch failed; null after a good one. Its words repeat no secret. */
  readonly failure: Error | null
  /** After how many seconds who was told that there are none may come again. */
  readonly retrySeconds: number
}

export interface IssuerKeysOptions {
  /** Resolves to a JWK Set (RFC 7517 §5). */
  readonly fetchKeys: () => Promise<unknown>
  readonly clock: () => number
  readonly runtime: Runtime
  /** After how long they are fetched again, behind the requests. */
  readonly refreshSeconds: number
  /** How long after a fetch no unknown `kid` makes another, and the longest pause after one that failed. */
  readonly coolDownSeconds: number
  /** Older ones verify nothing: revoked keys must go at some time, feed or no feed. */
  readonly oldestSeconds: number
}

interface KeySet {
  readonly text: string
  readonly keys: readonly VerificationKey[]
}

// A tenant has a few keys an algorithm; more are somebody's mistake, and each costs a verification for tokens without kid.
const mostTriedWithoutKid = 8
const mostKeys = 100

export function createIssuerKeys(options: IssuerKeysOptions): IssuerKeys {
  const { fetchKeys, clock, runtime, refreshSeconds, coolDownSeconds, oldestSeconds } = options
  let current: KeySet = { text: '', keys: [] }
  let fetchedAt: number | null = null
  let failure: Error | null = null
  let failures = 0
  let failedAt = Number.NEGATIVE_INFINITY
  let triedAt = Number.NEGATIVE_INFINITY
  let edition = 0
  let flight: Promise<void> | null = null

  async function load(): Promise<void> {
    try {
      const next = await importSet(await fetchKeys(), runtime)
      if (next.text !== current.text) edition += 1
      current = next
      fetchedAt = clock()
      failure = null
      failures = 0
    } catch (error) {
      // The last ones serve until they are too old.
      failure = error instanceof Error ? error : new TypeError('the keys of the issuer cannot be had')
      failures += 1
      failedAt = clock()
    } finally {
      flight = null
    }
  }
  const refresh = (): Promise<void> => {
    triedAt = clock()
    flight ??= load()
    return flight
  }
  // A clock that was set back would else hold everything up until it has caught up.
  const isCoolingDown = (): boolean => {
    const passed = clock() - triedAt
    return passed >= 0 && passed < coolDownSeconds
  }
  /** In seconds, of the pause after the last failure: one second after the first, and twice as long after each in a row. */
  const leftOfPause = (): number => {
    const passed = clock() - failedAt
    return failures === 0 || passed < 0 ? 0 : Math.min(coolDownSeconds, 2 ** (failures - 1)) - passed
  }
  const age = (): number => {
    const passed = fetchedAt === null ? Number.POSITIVE_INFINITY : clock() - fetchedAt
    return passed < 0 ? refreshSeconds : passed
  }
  const refreshIfDue = (old: number): void => {
    if (old >= refreshSeconds && !isCoolingDown()) void refresh()
  }
  const among = (kid: string | null, algorithm: string): readonly VerificationKey[] =>
    current.keys
      .filter((key) => (kid === null || key.kid === kid) && key.algorithms.includes(algorithm))
      .slice(0, mostTriedWithoutKid)

  async function findAnew(kid: string | null, algorithm: string) {
    await refresh()
    return age() < oldestSeconds ? among(kid, algorithm) : null
  }

  return {
    find(kid, algorithm) {
      const old = age()
      if (old >= oldestSeconds) return leftOfPause() > 0 && flight === null ? null : findAnew(kid, algorithm)
      refreshIfDue(old)
      const found = among(kid, algorithm)
      if (found.length > 0 || (isCoolingDown() && flight === null)) return found
      return findAnew(kid, algorithm)
    },
    get edition() {
      return edition
    },
    holds(since) {
      const old = age()
      if (since !== edition || old >= oldestSeconds) return false
      refreshIfDue(old)
      return true
    },
    get fetchedAt() {
      return fetchedAt
    },
    get failure() {
      return failure
    },
    get retrySeconds() {
      return Math.max(1, Math.ceil(leftOfPause()))
    },
  }
}

/** Keys that we do not take are passed over: an issuer may publish some for other purposes. */
async function importSet(document: unknown, runtime: Runtime): Promise<KeySet> {
  const entries = (document as { readonly keys?: unknown } | null)?.keys
  if (!Array.isArray(entries)) throw new TypeError('what stands at `jwks_uri` of the issuer is no JWK Set')
  const keys: VerificationKey[] = []
  for (const entry of entries.slice(0, mostKeys)) {
    const read = readPublicJwk(entry)
    const key = 'problem' in read ? null : await runtime.importKey(read.jwk)
    if (key !== null) keys.push(key)
  }
  return { text: JSON.stringify(entries), keys }
}
