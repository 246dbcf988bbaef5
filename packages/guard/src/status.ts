/** What the guard says of itself: for metrics and readiness checks. */

import type { ProofMemory } from './binding/proof-memory.ts'
import type { Counts } from './counts.ts'
import type { LimitStore } from './limits/limit.ts'
import type { Follower } from './revocation/follower.ts'
import type { FeedStanding, FeedWatch, RevocationPolicy } from './revocation/policy.ts'

/** What the guard has done since it was made, and what it knows: for metrics and readiness checks. */
export interface GuardStatus extends Counts {
  readonly revocations: RevocationPolicy & {
    readonly standing: FeedStanding
    readonly isConnected: boolean
    /** Epoch seconds until which nothing was missed; null before the first contact. */
    readonly heardAt: number | null
    /** Why the last connection ended; null while it stands. */
    readonly failure: string | null
    /** How many revocations were of a kind that this guard is too old to know: each has ended every token of its time. */
    readonly notUnderstood: number
    /** How many requests were let in although the feed was cut, by `whenCut: 'allow'`. */
    readonly allowedWhileCut: number
  }
  /** When they were fetched last, in epoch seconds, and why the last attempt failed; null after a good one. */
  readonly keys: { readonly fetchedAt: number | null; readonly failure: string | null }
  /** Endpoints and limits as the issuer declares them; null where it is not asked. `failure` is also of apps' own limits. */
  readonly policy: { readonly fetchedAt: number | null; readonly failure: string | null } | null
  /** Null where nothing is counted. */
  readonly limits: LimitsStatus | null
  /** Null where each process remembers DPoP proofs for itself. */
  readonly proofs: ProofsStatus | null
}

export interface LimitsStatus {
  /** Whether the processes of the API count together, or each for itself. */
  readonly standing: 'shared' | 'local'
  /** Epoch seconds; null where the store is never shared. */
  readonly since: number | null
  /** What sharing last failed with, although it may work again. */
  readonly failure: string | null
  /** How many requests were counted by this process alone. */
  readonly countedAlone: number | null
}

export interface ProofsStatus {
  /** Whether the processes of the API remember them together, or cannot at present. */
  readonly standing: 'shared' | 'lost'
  /** Epoch seconds. */
  readonly since: number
  /** What sharing last failed with, although it may work again. */
  readonly failure: string | null
}

interface Fetched {
  readonly fetchedAt: number | null
  readonly failure: Error | null
}

export interface StatusSources {
  readonly counts: Counts & { readonly allowedWhileCut: number }
  readonly follower: Follower | null
  readonly feed: FeedWatch
  readonly keys: Fetched
  readonly policy: Fetched | null
  readonly store: LimitStore | null
  readonly proofs: ProofMemory | null
  readonly now: number
}

export function readStatus({
  counts,
  follower,
  feed,
  keys,
  policy,
  store,
  proofs,
  now,
}: StatusSources): GuardStatus {
  const { allowedWhileCut, ...counted } = counts
  return {
    ...counted,
    revocations: {
      ...feed.policy,
      standing: feed.standing(),
      isConnected: follower?.state.isConnected ?? false,
      heardAt: follower?.state.heardAt ?? null,
      failure: follower?.state.failure?.message ?? null,
      notUnderstood: follower?.state.notUnderstood ?? 0,
      allowedWhileCut,
    },
    keys: fetched(keys),
    policy: policy && fetched(policy),
    limits: store && limitsOf(store, now),
    proofs: proofs && proofsOf(proofs, now),
  }
}

const fetched = ({ fetchedAt, failure }: Fetched) => ({ fetchedAt, failure: failure?.message ?? null })

function limitsOf(store: LimitStore, now: number): LimitsStatus {
  const standing = store.standing?.()
  if (standing === undefined) return { standing: 'local', since: null, failure: null, countedAlone: null }
  const { isShared, milliseconds, failure, countedAlone } = standing
  return {
    standing: isShared ? 'shared' : 'local',
    since: now - Math.round(milliseconds / 1000),
    failure: wordsOf(failure),
    countedAlone,
  }
}

function proofsOf(memory: ProofMemory, now: number): ProofsStatus | null {
  const standing = memory.standing?.()
  if (standing === undefined) return null
  const { isShared, milliseconds, failure } = standing
  return {
    standing: isShared ? 'shared' : 'lost',
    since: now - Math.round(milliseconds / 1000),
    failure: wordsOf(failure),
  }
}

/** Of whatever somebody has thrown; null where nothing was. */
export const wordsOf = (failure: unknown): string | null =>
  failure === null ? null : failure instanceof Error ? failure.message : String(failure)
