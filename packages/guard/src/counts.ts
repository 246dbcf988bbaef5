/** How often the guard said what; refusals are told to the API as they happen. */

import type { RefusalReason } from '@sallyport/protocol'
import type { Decision } from './check.ts'
import type { Refused } from './refusal.ts'

export interface Counts {
  readonly allowed: number
  readonly refused: Readonly<Partial<Record<RefusalReason, number>>>
}

export interface Counter {
  count(decision: Decision): Decision
  read(): Counts
}

export function createCounter(onRefusal: ((refused: Refused) => void) | undefined): Counter {
  let allowed = 0
  const refused: Partial<Record<RefusalReason, number>> = {}
  return {
    count(decision) {
      if (decision.isAllowed) allowed += 1
      else {
        refused[decision.reason] = (refused[decision.reason] ?? 0) + 1
        onRefusal?.(decision)
      }
      return decision
    },
    read: () => ({ allowed, refused: { ...refused } }),
  }
}
