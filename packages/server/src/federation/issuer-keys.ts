/** The keys that an outside issuer signs with: where its rule says, or where its own metadata says (OIDC Discovery §4). */

import { createOwnedMemory } from '../keys/owned-memory.ts'
import type { RemoteKeySets, WantedKey } from '../keys/remote-key-sets.ts'
import type { VerificationKey } from '../keys/verify-signature.ts'
import { type FetchJson, fetchDeadline } from '../outbound/fetch-json.ts'
import { createSharedFetches } from '../outbound/shared-fetches.ts'
import type { Turnstiles } from '../outbound/turnstile.ts'
import type { FederationRule } from './rule.ts'

export interface IssuerKeys {
  /** Empty when there is none, or nobody can tell. */
  keysFor(rule: FederationRule, wanted: WantedKey): Promise<readonly VerificationKey[]>
}

export interface IssuerKeyOptions {
  readonly fetchJson: FetchJson
  readonly keySets: RemoteKeySets
  /** Epoch seconds. */
  readonly clock: () => number
  /** Hears why an issuer's metadata could not be had. */
  readonly onFailure: (url: string, reason: string) => void
  readonly turns?: Turnstiles
  /** Ends the wait for the fetches of one question. */
  readonly deadline?: () => AbortSignal
}

interface Discovered {
  /** Null while nobody can tell. */
  readonly jwksUri: string | null
  readonly triedAt: number
  /** When to ask again. */
  readonly until: number
  /** Until when it counts although its host does not answer. */
  readonly goodUntil: number
}

const issuersKept = 1_000
const keptSeconds = 3_600
const failureSeconds = 10
const staleSeconds = 600

const nothing: Discovered = { jwksUri: null, triedAt: 0, until: 0, goodUntil: 0 }

/** After a clock was set back nobody knows how old it is. */
const datedBy = (now: number, found: Discovered): Discovered =>
  now < found.triedAt
    ? { ...found, until: 0, goodUntil: Math.min(found.goodUntil, now + staleSeconds) }
    : found

const afterFailure = (now: number, before: Discovered): Discovered =>
  now < before.goodUntil
    ? { ...before, triedAt: now, until: Math.min(now + failureSeconds, before.goodUntil) }
    : { ...nothing, triedAt: now, until: now + failureSeconds }

export function createIssuerKeys({
  fetchJson,
  keySets,
  clock,
  onFailure,
  turns,
  deadline = fetchDeadline,
}: IssuerKeyOptions): IssuerKeys {
  const issuers = createOwnedMemory<Discovered>(issuersKept, () => 1)
  const fetches = createSharedFetches<Discovered>(turns)

  async function discover(issuer: string, owner: string): Promise<Discovered> {
    const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
    const fetched = await fetchJson(url)
    const read = fetched.ok ? jwksUriOf(fetched.value, issuer) : { problem: fetched.reason }
    if ('problem' in read) onFailure(url, read.problem)
    const now = clock()
    const found =
      'problem' in read
        ? afterFailure(now, recall(issuer, owner, now))
        : {
            jwksUri: read.jwksUri,
            triedAt: now,
            until: now + keptSeconds,
            goodUntil: now + keptSeconds + staleSeconds,
          }
    issuers.set(issuer, found, owner)
    return found
  }

  const recall = (issuer: string, owner: string, now: number): Discovered =>
    datedBy(now, issuers.get(issuer, owner) ?? nothing)

  return {
    async keysFor({ issuer, jwks_uri: jwksUri }, wanted) {
      if (jwksUri !== undefined) return keySets.keysFor(jwksUri, wanted)
      const { owner } = wanted
      const now = clock()
      const known = recall(issuer, owner, now)
      if (now < known.until) return known.jwksUri === null ? [] : keySets.keysFor(known.jwksUri, wanted)
      // One for both fetches: whoever waits for them is to be answered in time (trust row 67).
      const end = deadline()
      const found = await fetches.join({ name: issuer, owner }, () => discover(issuer, owner), end)
      const { jwksUri: foundUri } = found ?? (now < known.goodUntil ? known : nothing)
      return foundUri === null ? [] : keySets.keysFor(foundUri, wanted, end)
    },
  }
}

/** OIDC Discovery §4.3: metadata that names another issuer is somebody else's. */
function jwksUriOf(
  metadata: Readonly<Record<string, unknown>>,
  issuer: string,
): { readonly jwksUri: string } | { readonly problem: string } {
  if (metadata.issuer !== issuer) return { problem: 'its metadata names another issuer' }
  const { jwks_uri: jwksUri } = metadata
  // Bounded here because it becomes a name in caches and a field of the log.
  const isUrl =
    typeof jwksUri === 'string' && jwksUri.length <= 2_048 && URL.parse(jwksUri)?.protocol === 'https:'
  return isUrl ? { jwksUri } : { problem: 'its metadata has no https jwks_uri' }
}
