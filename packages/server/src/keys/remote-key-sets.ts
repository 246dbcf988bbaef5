/**
 * The key sets of others, by URL (RFC 7517 §5): fetched when first needed, kept for as long as their owners say within
 * bounds, fetched again for a key id nobody knows, but not for every made-up one.
 */

import type { Fetched, FetchJson } from '../outbound/fetch-json.ts'
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
// A key takes 3 kB, so that all of them take 30 MB.
const keysKept = 10_000
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
  const sets = new Map<string, KeySet>()
  const flights = new Map<string, Promise<KeySet>>()
  let keyCount = 0

  function drop(url: string): void {
    keyCount -= sets.get(url)?.keys.length ?? 0
    sets.delete(url)
  }

  /** The set that was asked for longest ago goes first: at worst it is fetched again. */
  function keep(url: string, set: KeySet): void {
    drop(url)
    sets.set(url, set)
    keyCount += set.keys.length
    for (const oldest of sets.keys()) {
      if (sets.size <= setsKept && keyCount <= keysKept) return
      drop(oldest)
    }
  }

  async function load(url: string, before: KeySet): Promise<KeySet> {
    const read = readKeySet(await fetchJson(url))
    const now = clock()
    if ('problem' in read) {
      onFailure(url, read.problem)
      // Kept for a while, and with it the moment of the failure.
      const isStillGood = now < before.freshUntil + staleSeconds
      return { ...(isStillGood ? before : nothing), triedAt: now }
    }
    return { keys: read.keys, fetchedAt: now, freshUntil: now + read.freshSeconds, triedAt: now }
  }

  /** One fetch for all who wait. */
  function refresh(url: string, before: KeySet): Promise<KeySet> {
    const flying = flights.get(url)
    if (flying) return flying
    const flight = load(url, before)
      .then((set) => {
        keep(url, set)
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

type ReadKeySet =
  | { readonly keys: readonly VerificationKey[]; readonly freshSeconds: number }
  | { readonly problem: string }

/** Keys that are not for us, of another use or type, are passed over: sets are shared (RFC 7517 §5). */
function readKeySet(fetched: Fetched): ReadKeySet {
  if (!fetched.ok) return { problem: fetched.reason }
  const { keys } = fetched.value
  // An error page that says 200 takes no keys away; an empty list does.
  if (!Array.isArray(keys)) return { problem: 'its answer is no key set' }
  const maxAge = fetched.maxAgeSeconds ?? defaultMaxAgeSeconds
  return {
    keys: keys.slice(0, keysPerSet).flatMap((jwk) => importVerificationKey(jwk) ?? []),
    freshSeconds: Math.min(longestMaxAgeSeconds, Math.max(shortestMaxAgeSeconds, maxAge)),
  }
}
