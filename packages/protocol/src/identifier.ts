/** Random identifiers of a given shape, such as client ids. */
import { base36, base62, bytesToInteger, encodeInteger } from './base62.ts'

const alphabets = { lower_alphanumeric: base36, alphanumeric: base62 } as const

/** The shape of an identifier: a platform may be used to 26 lower-case characters, another to 32 alphanumerics. */
export interface IdentifierShape {
  readonly length: number
  readonly alphabet: keyof typeof alphabets
}

/**
 * Writes random bytes as an identifier of the shape asked.
 *
 * The bytes are read as one number and must hold at least 64 bits more than the identifier, so no identifier is likelier
 * than another by more than one part in 2^64. 32 bytes are enough for 26 lower-case characters and for 32 alphanumerics;
 * too few throw `RangeError`. Does not check that the bytes are random or the identifier is unused.
 */
export function generateIdentifier(randomBytes: Uint8Array, { length, alphabet }: IdentifierShape): string {
  const characters = alphabets[alphabet]
  const needed = Math.ceil((length * Math.log2(characters.length) + 64) / 8)
  if (!(length >= 1) || randomBytes.length < needed) {
    throw new RangeError(
      `an identifier of ${length} characters takes ${needed} random bytes, not ${randomBytes.length}`,
    )
  }
  return encodeInteger(bytesToInteger(randomBytes), length, characters)
}
