/** Which DPoP proofs were used already: RFC 9449 §11.1 lets each be good once. */

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

// Two lives of a proof at thousands a second. Whoever forgot one that is still good would let it in twice.
const mostProofs = 1_000_000

/** Of one process. What is over is forgotten; with `most` that are not, the next is `unknown`. */
export function createProofMemory(most = mostProofs): { use(id: string, life: ProofLife): ProofUse } {
  let old = new Map<string, number>()
  let young = new Map<string, number>()
  let oldEndsAt = 0
  let youngEndsAt = 0

  function forgetOver(now: number): void {
    if (now < oldEndsAt) return
    ;[old, young] = [young, new Map()]
    ;[oldEndsAt, youngEndsAt] = [youngEndsAt, 0]
  }
  return {
    use(id, { now, expiresAt }) {
      forgetOver(now)
      if ((young.get(id) ?? old.get(id) ?? 0) > now) return 'used'
      if (old.size + young.size >= most) return 'unknown'
      young.set(id, expiresAt)
      youngEndsAt = Math.max(youngEndsAt, expiresAt)
      return 'first'
    },
  }
}
