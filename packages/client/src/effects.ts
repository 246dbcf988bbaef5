/** The outside world that a client is handed: network, time and chance. Tests hand in their own. */

export type FetchFunction = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

export interface Effects {
  readonly fetch: FetchFunction
  /** Seconds since 1970, with fractions. */
  readonly clock: () => number
  /** From 0 up to 1. It spreads renewals and keeps no secret. */
  readonly random: () => number
  readonly wait: (seconds: number) => Promise<void>
  /** A signal that aborts after so long. */
  readonly deadline: (seconds: number) => AbortSignal
}

const systemEffects: Effects = {
  // Called on the global: edge runtimes refuse a fetch that was taken off it.
  fetch: (input, init) => globalThis.fetch(input, init),
  clock: () => Date.now() / 1000,
  random: () => Math.random(),
  wait: (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000)),
  deadline: (seconds) => AbortSignal.timeout(seconds * 1000),
}

export type GivenEffects = { readonly [Name in keyof Effects]?: Effects[Name] | undefined }

export const withSystemEffects = (given: GivenEffects): Effects => ({
  fetch: given.fetch ?? systemEffects.fetch,
  clock: given.clock ?? systemEffects.clock,
  random: given.random ?? systemEffects.random,
  wait: given.wait ?? systemEffects.wait,
  deadline: given.deadline ?? systemEffects.deadline,
})
