/** The outside world that everything else is handed: time and randomness. Tests hand in their own. */

import { randomBytes, randomUUID } from 'node:crypto'

export interface Effects {
  /** Whole seconds since 1970. */
  readonly clock: () => number
  /** Milliseconds since 1970, for the log. */
  readonly wallClock: () => number
  /** A clock for durations, in milliseconds; it never goes back. */
  readonly elapsed: () => number
  readonly random: (bytes: number) => Uint8Array
  /** A fresh random identifier: request ids and `jti`. */
  readonly uuid: () => string
}

export const systemEffects: Effects = {
  clock: () => Math.floor(Date.now() / 1000),
  wallClock: () => Date.now(),
  elapsed: () => performance.now(),
  random: (bytes) => randomBytes(bytes),
  uuid: () => randomUUID(),
}
