/**
 * Asking something that may be gone. Who asks waits so long and no longer; after the first failure nobody waits, and
 * one question at a time goes out unawaited, a pause apart, until it is answered again.
 */

import type { Elapsed } from './limit.ts'

/** Runs something after so many milliseconds, unless it is called off. */
export type After = (milliseconds: number, run: () => void) => () => void

export const systemAfter: After = (milliseconds, run) => {
  const timer = setTimeout(run, milliseconds)
  return () => clearTimeout(timer)
}

export interface CircuitOptions {
  readonly elapsed: Elapsed
  readonly after: After
  readonly timeoutMilliseconds: number
  readonly pauseMilliseconds: number
  /** Called once for each loss. */
  readonly onLost: (reason: unknown) => void
  readonly onFound: () => void
}

export interface Circuit {
  /** While true, nothing is to be asked. */
  readonly isOpen: boolean
  /** Asks without anybody waiting, if the pause is over, to see whether there is an answer again. */
  probe(question: () => Promise<unknown>): void
  /** Null when there is no answer. */
  ask<Answer>(question: () => Promise<Answer>): Promise<Answer | null>
}

/** The time-out is two halves: a process that was held up through the first still reads what has come meanwhile. */
function within<Answer>(answer: Promise<Answer>, milliseconds: number, after: After): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error(`No answer within ${milliseconds} milliseconds.`))
    let callOff = after(milliseconds / 2, () => {
      callOff = after(milliseconds / 2, late)
    })
    answer.finally(() => callOff()).then(resolve, reject)
  })
}

export function createCircuit(options: CircuitOptions): Circuit {
  const { elapsed, after, timeoutMilliseconds, pauseMilliseconds } = options
  let askAgainAt: number | null = null

  function lose(reason: unknown): void {
    const isNews = askAgainAt === null
    askAgainAt = elapsed() + pauseMilliseconds
    if (isNews) options.onLost(reason)
  }

  function find(): void {
    askAgainAt = null
    options.onFound()
  }

  return {
    get isOpen() {
      return askAgainAt !== null
    },
    probe(question) {
      if (askAgainAt === null || elapsed() < askAgainAt) return
      // Until this one has ended, nobody else sends one.
      askAgainAt = Number.POSITIVE_INFINITY
      within(question(), timeoutMilliseconds, after).then(find, lose)
    },
    async ask(question) {
      try {
        return await within(question(), timeoutMilliseconds, after)
      } catch (reason) {
        lose(reason)
        return null
      }
    },
  }
}
