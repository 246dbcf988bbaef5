/** The same use for the same number, in every process. */

import { createHash } from 'node:crypto'
import type { Use } from '../../src/store/database.ts'

export const numberedUse = (number: number, expiresAt = 1_800_000_060): Use => ({
  digest: createHash('sha256').update(`${number}`).digest(),
  expiresAt,
})
