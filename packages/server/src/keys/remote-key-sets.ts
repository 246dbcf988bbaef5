/**
 * The key sets of others, by URL (RFC 7517 §5): fetched when first needed, kept for as long as their owners say within
 * bounds, fetched again for a key that nobody knows, but not for every made-up one.
 */

import { RecentMap } from '@sallyport/protocol'
import { type Fetched, type FetchJson, fetchDeadline } from '../outbound/fetch-json.ts'
import { createSharedFetches } from '../outbound/shared-fetches.ts'
import type { Turnstiles } from '../outbound/turnstile.ts'
import { createOwnedMemory } from './owned-memory.ts'
import { importVerificationKey, type VerificationKey } from './verify-signature.ts'

/** Which key a token is signed with, as far as anybody knows. */
export interface WantedKey {
  /** Whose word it is that the keys are there: an organization, or a tenant. */
  readonly owner: string
  /** Null for a token without one. */
  readonly kid: string | null
  /** Those of the set that have not signed it: only others are wanted. */
  readonly noneOf?: readonly VerificationKey[]
}

export interface RemoteKeySets {
  /**
   * Empty when there is none, or nobody can tell. At once when it is known. Otherwise at the latest when the signal says
   * so: whoever makes two fetches for one request waits for both together.
   */
  keysFor(
    url: string,
    wanted: WantedKey,
    end?: AbortSignal,
  ): readonly VerificationKey[] | Promise<readonly VerificationKey[]>
}

export interface RemoteKeySetOptions {
  readonly fetchJson: FetchJson
  /** Epoch seconds. */
  readonly clock: () => number
  /** Hears why a key set could not be had. */
  readonly onFailure: (url: string, reason: string) => void
  readonly turns?: Turnstiles
}

interface KeySet {
  readonly keys: readonly VerificationKey[]
  readonly fetchedAt: number
  readonly freshUntil: number
}

/** When a host was last asked for a set. */
interface Try {
  readonly at: number
  readonly hasFailed: boolean
}

// A key takes 3 kB, so that all of them take 30 MB. A set counts for ten keys at least, so that there are a thousand.
const keysKept = 10_000
const smallestSet = 10
const triesKept = 10_000
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

/** By what they are: a set that was fetched again holds the same keys as other objects. */
function othersThan(noneOf: readonly VerificationKey[], keys: readonly VerificationKey[]) {
  return keys.filter(({ key }) => !noneOf.some((one) => one.key.equals(key)))
}

export function createRemoteKeySets({
  fetchJson,
  clock,
  onFailure,
  turns,
}: RemoteKeySetOptions): RemoteKeySets {
  const sets = createOwnedMemory<KeySet>(keysKept, ({ keys }) => Math.max(keys.length, smallestSet))
  // Apart from the sets: a host is not asked sooner because its set had to make room, or because it has none.
  const tries = new RecentMap<Try>(triesKept)
  const fetches = createSharedFetches<KeySet | undefined>(turns)

  /** After a clock was set back nobody knows how old a set is: it is to be fetched again, and good as if that were due. */
  function recall(url: string, owner: string, now: number): KeySet | undefined {
    const known = sets.get(url, owner)
    if (known === undefined || known.fetchedAt <= now) return known
    const due = { ...known, fetchedAt: now, freshUntil: Math.min(known.freshUntil, now) }
    sets.set(url, due, owner)
    return due
  }

  function mayTry(url: string, known: KeySet | undefined, now: number): boolean {
    const last = tries.get(url)
    if (last === undefined || now < last.at) return true
    if (last.hasFailed) return now >= last.at + failureSeconds
    // Whose set had to make room is not refused for it.
    return known === undefined || now >= last.at + coolDownSeconds
  }

  /** What is known of it then. */
  async function load(url: string, owner: string): Promise<KeySet | undefined> {
    const read = readKeySet(await fetchJson(url))
    const now = clock()
    tries.set(url, { at: now, hasFailed: 'problem' in read })
    if ('problem' in read) {
      onFailure(url, read.problem)
      return sets.get(url, owner)
    }
    const set = { keys: read.keys, fetchedAt: now, freshUntil: now + read.freshSeconds }
    sets.set(url, set, owner)
    return set
  }

  async function refresh(url: string, owner: string, end: AbortSignal): Promise<KeySet | undefined> {
    const set = await fetches.join({ name: url, owner }, () => load(url, owner), end)
    if (set !== null) return set
    // No failure of its host: others may be luckier.
    onFailure(url, 'it could not be fetched in time')
    return sets.get(url, owner)
  }

  return {
    keysFor(url, { kid, owner, noneOf = [] }, end) {
      const now = clock()
      const known = recall(url, owner, now)
      const keys = goodKeysOf(known, now, noneOf)
      const isDue = known === undefined || now >= known.freshUntil
      const isUnknown = kid === null ? keys.length === 0 : !keys.some((key) => key.kid === kid)
      if (!(isDue || isUnknown) || !mayTry(url, known, now)) return keys
      return refresh(url, owner, end ?? fetchDeadline()).then((set) => goodKeysOf(set, clock(), noneOf))
    },
  }
}

function goodKeysOf(set: KeySet | undefined, now: number, noneOf: readonly VerificationKey[]) {
  if (set === undefined || now >= set.freshUntil + staleSeconds) return []
  return noneOf.length === 0 ? set.keys : othersThan(noneOf, set.keys)
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
