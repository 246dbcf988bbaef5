/** bcrypt, as `$2a$`, `$2b$` and `$2y$`: the three differ in bugs of old programs, not in what they make. */

import { type HashFormat, hasNul, type SlowHash } from './hash.ts'

// About 0.7 s; each step doubles it.
const highestCost = 13
// What is behind is not compared, and up to here somebody may have cut a longer secret off.
const comparedBytes = 72

/** In a thread of its own: the work is plain JavaScript. */
export type CompareBcrypt = (secret: string, hash: string) => Promise<boolean>

export const bcrypt = (compare: CompareBcrypt): HashFormat => ({
  example: '$2b$<cost>$<salt and digest>',
  recognizes: (text) => /^\$2[a-z]?\$/.test(text),
  read(text) {
    const [, cost] = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(text) ?? []
    if (cost === undefined)
      return {
        found: 'a bcrypt hash that cannot be read',
        expected: '$2a$, $2b$ or $2y$, the cost, and 53 characters',
      }
    const isBearable = Number(cost) >= 4 && Number(cost) <= highestCost
    if (isBearable) return Buffer.from(text)
    return { found: `bcrypt of cost ${Number(cost)}`, expected: `a cost of 4 to ${highestCost}` }
  },
  open(verifier): SlowHash {
    const hash = Buffer.from(verifier).toString()
    return {
      isSlow: true,
      matches: async (secret) => !hasNul(secret) && compare(secret, hash),
      coversWhole: (secret) => Buffer.byteLength(secret) < comparedBytes,
    }
  },
})
