/** Tells what comes again from what comes once, at a few bytes each. */

import { numberOfText } from './text-number.ts'

const bitsPerText = 16

/**
 * For a memory that is full: what comes once is not worth what has to be forgotten for it, and when far more come than it
 * holds, taking each in costs more than it ever saves. So whoever keeps the memory asks here first.
 */
export class Doorkeeper {
  readonly #limit: number
  readonly #bits: Uint8Array
  readonly #shift: number
  #seen = 0

  constructor(limit: number) {
    this.#limit = Math.max(1, limit)
    const magnitude = Math.ceil(Math.log2(this.#limit * bitsPerText))
    this.#bits = new Uint8Array(2 ** magnitude / 8)
    this.#shift = 32 - magnitude
  }

  /** Whether this text, or seldom another one, was asked for already; after each `limit` of them all is forgotten. */
  hasSeen(text: string): boolean {
    // Fibonacci hashing: the upper bits of the product, in which close numbers stand far apart.
    const place = Math.imul(numberOfText(text), 0x9e3779b1) >>> this.#shift
    const index = place >>> 3
    const bit = 1 << (place & 7)
    const before = this.#bits[index] ?? 0
    if ((before & bit) !== 0) return true
    if (this.#seen === this.#limit) this.clear()
    this.#seen += 1
    this.#bits[index] = (this.#bits[index] ?? 0) | bit
    return false
  }

  clear(): void {
    this.#bits.fill(0)
    this.#seen = 0
  }
}
