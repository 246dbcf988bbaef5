/**
 * The key sets of others, by URL (RFC 7517 §5): fetched when first needed, kept for as long as their owners say within
 * bounds, fetched again for a key id nobody knows, but not for every made-up one.
 */

import type { FetchJson } from '../outbound/fetch-json.ts'
import { RecentMap } from '../store/read-through.ts'
import { importVerificationKey, type VerificationKey } from './verify-signature.ts'

export interface RemoteKeySets {
  /** Empty when there is none, or nobody can tell. At once when it is known; `kid` is null for a token without one. */
  keysFor(url: string, kid: string | null): readonly VerificationKey[] | Promise<readonly VerificationKey[]>
}

export interface RemoteKeySetOptions {
  readonly fetchJson: FetchJson
  /** Epoch seconds. */
  readonly clock: () => number
  /** Hears why a key set could not be had. */
  readonly onFailure: (url: string, reason: string) => void
}

interface KeySet {
  readonly keys: readonly VerificationKey[]
  readonly fetchedAt: number
  readonly freshUntil: number
  /** When it was last asked for, with whatever success. */
  readonly triedAt: number
}

const setsKept = 1_000
const keysPerSet = 50
const defaultMaxAgeSeconds = 300
const shortestMaxAgeSeconds = 60
const longestMaxAgeSeconds = 3_600
// An unknown kid is a rotation, or an attack that would have us fetch without end (RFC 8725 §3.8).
const coolDownSeconds = 30
// After a failure: long enough to spare the host, short enough to notice that it is back.
const failureSeconds = 10
// While its host is down a set is good for this much longer; a key that was removed must not stay for a day.
const staleSeconds = 600

const nothing: KeySet = { keys: [], fetchedAt: 0, freshUntil: 0, triedAt: 0 }

export function createRemoteKeySets({ fetchJson, clock, onFailure }: RemoteKeySetOptions): RemoteKeySets {
  const sets = new RecentMap<KeySet>(setsKept)
  const flights = new Map<string, Promise<KeySet>>()

  async function load(url: string, before: KeySet): Promise<KeySet> {
    const fetched = await fetchJson(url)
    const now = clock()
    if (!fetched.ok) {
      onFailure(url, fetched.reason)
      // Kept for a while, and with it the moment of the failure.
      const isStillGood = now < before.freshUntil + staleSeconds
      return { ...(isStillGood ? before : nothing), triedAt: now }
    }
    const maxAge = fetched.maxAgeSeconds ?? defaultMaxAgeSeconds
    const seconds = Math.min(longestMaxAgeSeconds, Math.max(shortestMaxAgeSeconds, maxAge))
    return { keys: readKeys(fetched.value), fetchedAt: now, freshUntil: now + seconds, triedAt: now }
  }

  /** One fetch for all who wait. */
  function refresh(url: string, before: KeySet): Promise<KeySet> {
    const flying = flights.get(url)
    if (flying) return flying
    const flight = load(url, before)
      .then((set) => {
        sets.set(url, set)
        return set
      })
      .finally(() => flights.delete(url))
    flights.set(url, flight)
    return flight
  }

  return {
    keysFor(url, kid) {
      const now = clock()
      const known = sets.get(url) ?? nothing
      const hasFailed = known.triedAt > known.fetchedAt
      const mayTry = now - known.triedAt >= (hasFailed ? failureSeconds : coolDownSeconds)
      if (known === nothing || (now >= known.freshUntil && mayTry))
        return refresh(url, known).then(({ keys }) => keys)
      if (now >= known.freshUntil + staleSeconds) return []
      const isUnknown = kid !== null && !known.keys.some((key) => key.kid === kid)
      return isUnknown && mayTry ? refresh(url, known).then(({ keys }) => keys) : known.keys
    },
  }
}

/** Keys that are not for us, of another use or type, are passed over: sets are shared (RFC 7517 §5). */
function readKeys({ keys }: Readonly<Record<string, unknown>>): readonly VerificationKey[] {
  if (!Array.isArray(keys)) return []
  return keys.slice(0, keysPerSet).flatMap((jwk) => importVerificationKey(jwk) ?? [])
}
