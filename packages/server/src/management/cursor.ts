/** Where a list goes on: sealed, so that nobody writes one, and bound to the list that gave it out (trust F25). */

import { SealBroken, type Sealer } from '../keys/sealing.ts'
import { refuseWith } from './problem.ts'

/** `list` is what the cursor is good for: the operation, its parameters and its filters. */
export const writeCursor = (sealer: Sealer, list: string, after: string): string =>
  Buffer.from(sealer.seal(Buffer.from(after), contextOf(list))).toString('base64url')

export function readCursor(sealer: Sealer, list: string, text: string): string {
  const bytes = Buffer.from(text, 'base64url')
  // Decoding passes over what is no base64url, and so would take many texts for one.
  if (bytes.toString('base64url') !== text) refuseWith('invalid_cursor')
  try {
    return sealer.open(bytes, contextOf(list)).toString()
  } catch (error) {
    if (error instanceof SealBroken) refuseWith('invalid_cursor')
    throw error
  }
}

const contextOf = (list: string) => `management cursor ${list}`
