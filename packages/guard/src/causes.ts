/** Why nobody could tell, where it was no fault of the request: what the API's log hears with a refusal, and its caller never. */

import type { RefusalReason } from '@sallyport/protocol'
import type { ProofMemory } from './binding/proof-memory.ts'
import type { RevocationState } from './revocation/follower.ts'
import type { RevocationPolicy } from './revocation/policy.ts'
import { wordsOf } from './status.ts'

interface Failing {
  readonly failure: Error | null
}

type Followed = Pick<RevocationState, 'failure' | 'heardAt' | 'isConnected'>

export interface CauseSources {
  readonly keys: Failing
  readonly introspection: Failing | null
  readonly follower: { readonly state: Followed } | null
  readonly policy: Failing | null
  readonly proofs: ProofMemory | null
  readonly feed: { readonly policy: RevocationPolicy }
  readonly clock: () => number
}

export function causesOf(sources: CauseSources): (reason: RefusalReason) => string | null {
  const { keys, introspection, follower, policy, proofs, feed, clock } = sources
  const causes: Readonly<Partial<Record<RefusalReason, () => string | null | undefined>>> = {
    keys_unavailable: () => keys.failure?.message,
    introspection_unavailable: () => introspection?.failure?.message,
    feed_cut: () => follower && causeOfCut(follower.state, feed.policy, clock()),
    policy_unavailable: () => policy?.failure?.message,
    proofs_unavailable: () => wordsOf(proofs?.standing?.().failure ?? null),
  }
  return (reason) => causes[reason]?.() ?? null
}

function causeOfCut(
  { failure, heardAt, isConnected }: Followed,
  policy: RevocationPolicy,
  now: number,
): string {
  const terms = `afterSeconds: ${policy.afterSeconds}, whenCut: ${policy.whenCut}`
  if (heardAt === null) return because(failure, `never connected since the start, whenCut: ${policy.whenCut}`)
  const age = now - heardAt
  if (!isConnected) return because(failure, `nothing heard of revocations for ${age} seconds, ${terms}`)
  // By its own clock the issuer says until when it knows.
  return `connected, but what the issuer knows is ${age} seconds old by this clock: compare the clocks of both, or see whether the issuer has lost its database (${terms})`
}

const because = (failure: Error | null, said: string): string =>
  failure === null ? said : `${failure.message} (${said})`
