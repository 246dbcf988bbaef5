/** The outside world that the guard is handed: time, randomness, network and timers. Tests hand in their own. */

/** What `createGuard` takes from outside. None of them may throw, but `fetch` may reject. */
export interface Effects {
  /** Whole seconds since 1970. */
  readonly clock: () => number
  readonly random: (bytes: number) => Uint8Array
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>
  /** Calls `work` once, later; the answer calls it off. It keeps no process alive. */
  readonly later: (milliseconds: number, work: () => void) => () => void
}

/** A clock for durations, in milliseconds, as `performance.now`. What counts time apart from a guard is handed its own. */
export type Elapsed = () => number

export const systemElapsed: Elapsed = () => performance.now()

/**
 * The real ones; tests replace one or all. Does not check that the clock is right: a minute of difference to the issuer's is
 * taken, more is `not_yet_valid`.
 *
 * @example
 * ```ts
 * import { createGuard, systemEffects } from '@sallyport/guard'
 *
 * const inAnHour = () => systemEffects.clock() + 3_600
 * const guard = createGuard({
 *   issuer: 'https://auth.example.com/acme',
 *   audience: 'https://api.example.com',
 *   effects: { ...systemEffects, clock: inAnHour },
 * })
 * ```
 */
export const systemEffects: Effects = {
  clock: () => Math.floor(Date.now() / 1000),
  random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
  fetch: (url, init) => fetch(url, init),
  later(milliseconds, work) {
    const timer: unknown = setTimeout(work, milliseconds)
    // Node's timers are objects that can let the process end; others' are numbers.
    if (typeof timer === 'object' && timer !== null && 'unref' in timer) (timer as NodeJS.Timeout).unref()
    return () => clearTimeout(timer as number)
  },
}
