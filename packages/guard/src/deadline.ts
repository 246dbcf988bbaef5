/**
 * One deadline for all that is asked for one request, however many questions that are: each may be answered slowly and
 * still in time. What was asked goes on, and serves those who come next.
 */

import type { RefusalReason } from '@sallyport/protocol'
import type { Decision } from './check.ts'
import type { Effects } from './effects.ts'
import { createPatience, TooLate } from './patience.ts'

const longestMilliseconds = 5_000

export interface DeadlineOptions {
  readonly later: Effects['later']
  /** What is most likely lacking. */
  readonly reason: () => RefusalReason
  readonly refuse: (reason: RefusalReason) => Decision
}

export function createDeadline({ later, reason, refuse }: DeadlineOptions) {
  const within = createPatience(longestMilliseconds, later)
  return (decision: Promise<Decision>): Promise<Decision> =>
    within(decision).catch((error: unknown) => {
      if (error instanceof TooLate) return refuse(reason())
      throw error
    })
}

interface Fetched {
  readonly fetchedAt: number | null
}

export interface Asked {
  readonly keys: Fetched
  readonly policy: Fetched | null
  readonly introspection: object | null
}

export function lackOf({ keys, policy, introspection }: Asked): RefusalReason {
  if (policy?.fetchedAt === null) return 'policy_unavailable'
  return introspection === null || keys.fetchedAt === null ? 'keys_unavailable' : 'introspection_unavailable'
}
