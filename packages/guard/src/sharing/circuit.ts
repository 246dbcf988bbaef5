/**
 * Asking something that may be gone. Who asks waits so long and no longer. One answer that does not come is no loss; a
 * second in a row is: nobody waits from then on, and one question at a time goes out unawaited, a pause apart, until it
 * is answered again.
 */

import type { Elapsed } from '../effects.ts'
import type { Within } from '../patience.ts'
import { tell } from '../tell.ts'

export interface CircuitOptions {
  readonly elapsed: Elapsed
  readonly within: Within
  readonly pauseMilliseconds: number
  /** What is known of a failure, beside what the question ended with: such as that there is no connection. */
  readonly explain: () => unknown
  /** Called once for each loss. */
  readonly onLost: (reason: unknown) => void
  readonly onFound: () => void
}

export interface Circuit {
  /** While true, nothing is to be asked. */
  readonly isOpen: boolean
  /** What the last failure was; null where there was none. */
  readonly failure: unknown
  /** For how long it has been open, or closed. */
  readonly milliseconds: number
  /** Asks without anybody waiting, if the pause is over, to see whether there is an answer again. */
  probe(question: () => Promise<unknown>): void
  /** Null when there is no answer in time. */
  ask<Answer>(question: Promise<Answer>): Promise<Answer | null>
}

export function createCircuit(options: CircuitOptions): Circuit {
  const { elapsed, within, pauseMilliseconds, explain } = options
  let askAgainAt: number | null = null
  let failure: unknown = null
  let since = elapsed()
  let isDoubted = false
  // What was asked before the first failure fails with it, and is no second one.
  let round = 0

  function lose(reason: unknown): void {
    const isNews = askAgainAt === null
    askAgainAt = elapsed() + pauseMilliseconds
    failure = explain() ?? reason
    if (!isNews) return
    since = elapsed()
    tell(options.onLost, failure)
  }

  function doubt(reason: unknown, askedIn: number): void {
    if (askAgainAt !== null) return
    const isSecond = isDoubted && askedIn === round
    // A connection that is known to be down will answer the next one no better.
    if (isSecond || explain() !== null) {
      lose(reason)
      return
    }
    failure = reason
    if (isDoubted) return
    isDoubted = true
    round += 1
  }

  function find(): void {
    askAgainAt = null
    isDoubted = false
    since = elapsed()
    tell(options.onFound, undefined)
  }

  return {
    get isOpen() {
      return askAgainAt !== null
    },
    get failure() {
      return failure
    },
    get milliseconds() {
      return elapsed() - since
    },
    probe(question) {
      if (askAgainAt === null || elapsed() < askAgainAt) return
      // Until this one has ended, nobody else sends one.
      askAgainAt = Number.POSITIVE_INFINITY
      within(question()).then(find, lose)
    },
    async ask(question) {
      const askedIn = round
      try {
        const answer = await within(question)
        isDoubted = false
        return answer
      } catch (reason) {
        doubt(reason, askedIn)
        return null
      }
    },
  }
}
