/**
 * One deadline for all that is asked for one request, however many questions that are: each may be answered slowly and
 * still in time. What was asked goes on, and serves those who come next.
 */

import type { RefusalReason, Soon } from '@sallyport/protocol'
import type { Effects } from './effects.ts'
import { createPatience, TooLate } from './patience.ts'
import type { RefusalDetail, Refused } from './refusal.ts'
import type { RequestView } from './request-view.ts'

const longestSeconds = 5

/** What a request may have to wait for, and what the API's log hears where it did not come. */
const awaited = {
  policy_unavailable: 'the endpoints that the issuer declares',
  feed_cut: 'the first snapshot of revocations',
  keys_unavailable: 'the keys of the issuer',
  introspection_unavailable: 'what the issuer says of the token',
  proofs_unavailable: 'the answer of `dpop.proofs`',
  limits_unavailable: 'the answer of the limit store, of `limitOf`, or of the issuer about limits',
} as const satisfies Partial<Record<RefusalReason, string>>

/** With which reason a request is refused when what it waits for does not come. */
export type Lack = keyof typeof awaited

export interface Deadline {
  /** Notes what a request waits for from now on. What is known already is not waited for, and costs nothing. */
  awaiting<Value>(request: RequestView, lack: Lack, value: Soon<Value>): Soon<Value>
  keep<Decision>(request: RequestView, decision: Promise<Decision>): Promise<Decision | Refused>
}

export interface DeadlineOptions {
  readonly later: Effects['later']
  readonly refuse: (reason: RefusalReason, detail: RefusalDetail) => Refused
}

export function createDeadline({ later, refuse }: DeadlineOptions): Deadline {
  const within = createPatience(longestSeconds * 1_000, later)
  const lacks = new WeakMap<RequestView, Lack>()
  return {
    awaiting(request, lack, value) {
      if (value instanceof Promise) lacks.set(request, lack)
      return value
    },
    keep: (request, decision) =>
      within(decision).catch((error: unknown) => {
        const lack = lacks.get(request)
        if (lack === undefined || !(error instanceof TooLate)) throw error
        return refuse(lack, { cause: `${awaited[lack]} did not come within ${longestSeconds} seconds` })
      }),
  }
}
