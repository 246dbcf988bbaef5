/** Which DPoP proofs were used already: RFC 9449 §11.1 lets each be good once. */

import { RecentMap } from '@sallyport/protocol'

/** How long a proof is to be remembered, in epoch seconds. */
export interface ProofLife {
  readonly now: number
  readonly expiresAt: number
}

/** `unknown` where the memory cannot be asked: the proof is then refused, and not called wrong. */
export type ProofUse = 'first' | 'used' | 'unknown'

/** Beside the memory of each process: one that several share. */
export interface ProofMemory {
  /** Of all who bring the same proof one is the first. */
  use(id: string, life: ProofLife): ProofUse | Promise<ProofUse>
  standing?(): ProofMemoryStanding
}

/** Whether processes remember proofs together. */
export interface ProofMemoryStanding {
  readonly isShared: boolean
  /** For how long it has been so. */
  readonly milliseconds: number
  /** What sharing last failed with, although it may work again; null where it never did. */
  readonly failure: unknown
}

// A minute's proofs at more than a thousand a second.
const proofsRemembered = 200_000

/** Of one process. */
export function createProofMemory(): { use(id: string, life: ProofLife): 'first' | 'used' } {
  const used = new RecentMap<number>(proofsRemembered)
  return {
    use(id, { now, expiresAt }) {
      if ((used.get(id) ?? 0) > now) return 'used'
      used.set(id, expiresAt)
      return 'first'
    },
  }
}
