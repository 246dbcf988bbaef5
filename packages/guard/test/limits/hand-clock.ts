/** Time that stands until a test moves it. */

import type { After } from '../../src/patience.ts'

export interface HandClock {
  readonly elapsed: () => number
  readonly after: After
  /** Both of them, as options. */
  readonly time: { readonly elapsed: () => number; readonly after: After }
  /** Milliseconds; timers that are due run in their order. */
  advance(milliseconds: number): void
  /** As of a process that was held up for so long: timers that are due run once, and late. */
  hold(milliseconds: number): void
}

interface Timer {
  readonly at: number
  readonly run: () => void
}

export function handClock(startsAt = 1_000_000): HandClock {
  let now = startsAt
  const timers = new Set<Timer>()

  const nextUntil = (until: number): Timer | undefined =>
    [...timers].filter(({ at }) => at <= until).sort((one, other) => one.at - other.at)[0]

  const elapsed = () => now
  const after: After = (milliseconds, run) => {
    const timer = { at: now + milliseconds, run }
    timers.add(timer)
    return () => void timers.delete(timer)
  }
  return {
    ...{ elapsed, after, time: { elapsed, after } },
    advance(milliseconds) {
      const until = now + milliseconds
      for (let due = nextUntil(until); due !== undefined; due = nextUntil(until)) {
        timers.delete(due)
        now = due.at
        due.run()
      }
      now = until
    },
    hold(milliseconds) {
      now += milliseconds
      for (const timer of [...timers].filter(({ at }) => at <= now)) {
        timers.delete(timer)
        timer.run()
      }
    },
  }
}
