/** Why nobody could tell, where it was no fault of the request: what the API's log hears with a refusal, and its caller never. */

import type { RefusalReason } from '@sallyport/protocol'
import type { ProofMemory } from './binding/proof-memory.ts'
import type { RevocationPolicy } from './revocation/policy.ts'

interface Failing {
  readonly failure: Error | null
}

export interface CauseSources {
  readonly keys: Failing
  readonly introspection: Failing | null
  readonly follower: { readonly state: Failing } | null
  readonly policy: Failing | null
  readonly proofs: ProofMemory | null
  readonly feed: { readonly policy: RevocationPolicy }
}

export function causesOf(sources: CauseSources): (reason: RefusalReason) => string | null {
  const failures: Readonly<Partial<Record<RefusalReason, () => Error | null | undefined>>> = {
    keys_unavailable: () => sources.keys.failure,
    introspection_unavailable: () => sources.introspection?.failure,
    feed_cut: () => sources.follower?.state.failure,
    policy_unavailable: () => sources.policy?.failure,
    proofs_unavailable: () => asError(sources.proofs?.standing?.().failure),
  }
  const { whenCut, afterSeconds } = sources.feed.policy
  const terms = `nothing heard of revocations within ${afterSeconds} seconds, whenCut: ${whenCut}`
  return (reason) => {
    const failure = failures[reason]?.()?.message ?? null
    if (reason !== 'feed_cut') return failure
    return failure === null ? terms : `${failure} (${terms})`
  }
}

const asError = (failure: unknown): Error | null =>
  failure === null || failure === undefined || failure instanceof Error
    ? (failure ?? null)
    : new Error(String(failure))
