/** How often the guard said what; refusals are told to the API as they happen. */

import type { RefusalReason } from '@sallyport/protocol'
import type { Decision } from './check.ts'
import type { Refused } from './refusal.ts'
import { tell } from './tell.ts'

export interface Counts {
  readonly allowed: number
  readonly refused: Readonly<Partial<Record<RefusalReason, number>>>
}

export interface Counter {
  count(decision: Decision): Decision
  read(): Counts & { readonly allowedWhileCut: number }
}

/** `isCut`: whether tokens are let in although nobody can tell whether they were revoked. */
export function createCounter(isCut: () => boolean, onRefusal?: (refused: Refused) => void): Counter {
  let allowed = 0
  let allowedWhileCut = 0
  const refused: Partial<Record<RefusalReason, number>> = {}
  return {
    count(decision) {
      if (decision.isAllowed) {
        allowed += 1
        if (decision.access !== null && isCut()) allowedWhileCut += 1
      } else {
        refused[decision.reason] = (refused[decision.reason] ?? 0) + 1
        tell(onRefusal, decision)
      }
      return decision
    },
    read: () => ({ allowed, refused: { ...refused }, allowedWhileCut }),
  }
}
