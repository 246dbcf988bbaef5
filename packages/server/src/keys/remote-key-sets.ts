/**
 * The key sets of others, by URL (RFC 7517 §5): fetched when first needed, kept for as long as their owners say within
 * bounds, fetched again for a key that nobody knows, but not for every made-up one.
 */

import type { Fetched, FetchJson } from '../outbound/fetch-json.ts'
import { importVerificationKey, type VerificationKey } from './verify-signature.ts'

/** Which key a token is signed with, as far as anybody knows. */
export interface WantedKey {
  /** Null for a token without one. */
  readonly kid: string | null
  /** Those of the set that have not signed it: only others are wanted. */
  readonly noneOf?: readonly VerificationKey[]
}

export interface RemoteKeySets {
  /**
   * Empty when there is none, or nobody can tell. At once when it is known. A fetch ends with the signal, where there is
   * one.
   */
  keysFor(
    url: string,
    wanted: WantedKey,
    deadline?: AbortSignal,
  ): readonly VerificationKey[] | Promise<readonly VerificationKey[]>
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
  readonly freshUntil: number
  /** When its host was last asked, with whatever success. */
  readonly triedAt: number
  readonly hasFailed: boolean
}

const setsKept = 1_000
// A key takes 3 kB, so that all of them take 30 MB.
const keysKept = 10_000
const keysPerSet = 50
const defaultMaxAgeSeconds = 300
const shortestMaxAgeSeconds = 60
const longestMaxAgeSeconds = 3_600
// An unknown key is a rotation, or an attack that would have us fetch without end (RFC 8725 §3.8).
const coolDownSeconds = 30
// After a failure: long enough to spare the host, short enough to notice that it is back.
const failureSeconds = 10
// While its host is down a set is good for this much longer; a key that was removed must not stay for a day.
const staleSeconds = 600

const nothing: KeySet = { keys: [], freshUntil: 0, triedAt: 0, hasFailed: false }

/** After a clock was set back nobody knows how old a set is: it is to be fetched again, and good as if that were due. */
const datedBy = (now: number, set: KeySet): KeySet =>
  now < set.triedAt ? { ...set, triedAt: 0, freshUntil: Math.min(set.freshUntil, now) } : set

/** By what they are: a set that was fetched again holds the same keys as other objects. */
function othersThan(noneOf: readonly VerificationKey[], keys: readonly VerificationKey[]) {
  return keys.filter(({ key }) => !noneOf.some((one) => one.key.equals(key)))
}

export function createRemoteKeySets({ fetchJson, clock, onFailure }: RemoteKeySetOptions): RemoteKeySets {
  const sets = new Map<string, KeySet>()
  const flights = new Map<string, Promise<KeySet>>()
  let keyCount = 0

  function drop(url: string): void {
    keyCount -= sets.get(url)?.keys.length ?? 0
    sets.delete(url)
  }

  /** To the end of the line, whose first one goes when there is no more room. */
  function recall(url: string): KeySet {
    const known = sets.get(url)
    if (known === undefined) return nothing
    sets.delete(url)
    sets.set(url, known)
    return known
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

  async function load(url: string, before: KeySet, deadline?: AbortSignal): Promise<KeySet> {
    const read = readKeySet(await fetchJson(url, deadline))
    const now = clock()
    if ('problem' in read) {
      onFailure(url, read.problem)
      // Kept for a while, and with it the moment of the failure.
      const isStillGood = now < before.freshUntil + staleSeconds
      return { ...(isStillGood ? before : nothing), triedAt: now, hasFailed: true }
    }
    return { keys: read.keys, freshUntil: now + read.freshSeconds, triedAt: now, hasFailed: false }
  }

  /** One fetch for all who wait. */
  function refresh(url: string, before: KeySet, deadline?: AbortSignal): Promise<KeySet> {
    const flying = flights.get(url)
    if (flying) return flying
    const flight = load(url, before, deadline)
      .then((set) => {
        keep(url, set)
        return set
      })
      .finally(() => flights.delete(url))
    flights.set(url, flight)
    return flight
  }

  return {
    keysFor(url, { kid, noneOf = [] }, deadline) {
      const now = clock()
      const known = datedBy(now, recall(url))
      const left = (keys: KeySet['keys']) => (noneOf.length === 0 ? keys : othersThan(noneOf, keys))
      const refreshed = () => refresh(url, known, deadline).then(({ keys }) => left(keys))
      const mayTry = now - known.triedAt >= (known.hasFailed ? failureSeconds : coolDownSeconds)
      if (known === nothing || (now >= known.freshUntil && mayTry)) return refreshed()
      if (now >= known.freshUntil + staleSeconds) return []
      const keys = left(known.keys)
      const isUnknown = kid === null ? keys.length === 0 : !keys.some((key) => key.kid === kid)
      return isUnknown && mayTry ? refreshed() : keys
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
