/**
 * Waiting for an answer, and no longer than so long. The time is counted in ticks, and one that comes late counts once:
 * a process that was held up reads what has come meanwhile before it calls anything late.
 */

/** Runs something after so many milliseconds, unless it is called off. */
export type After = (milliseconds: number, run: () => void) => () => void

export const systemAfter: After = (milliseconds, run) => {
  const timer = setTimeout(run, milliseconds)
  return () => clearTimeout(timer)
}

/** Rejects with a `TooLate` when there is no answer. */
export type Within = <Answer>(answer: Promise<Answer>) => Promise<Answer>

export class TooLate extends Error {}

const ticksToWait = 10

interface Waiting {
  readonly until: number
  readonly giveUp: () => void
}

/** One timer for all who wait, and none while nobody does. */
export function createPatience(milliseconds: number, after: After): Within {
  // All wait equally long, so that who came first stands first and is given up first.
  const waiting = new Set<Waiting>()
  let ticks = 0
  let isTicking = false

  function tick(): void {
    ticks += 1
    for (const one of waiting) {
      if (one.until > ticks) break
      waiting.delete(one)
      one.giveUp()
    }
    isTicking = waiting.size > 0
    if (isTicking) after(milliseconds / ticksToWait, tick)
  }

  return (answer) =>
    new Promise((resolve, reject) => {
      const late = () => reject(new TooLate(`No answer within ${milliseconds} milliseconds.`))
      const one: Waiting = { until: ticks + ticksToWait, giveUp: late }
      waiting.add(one)
      if (!isTicking) after(milliseconds / ticksToWait, tick)
      isTicking = true
      answer.finally(() => waiting.delete(one)).then(resolve, reject)
    })
}
