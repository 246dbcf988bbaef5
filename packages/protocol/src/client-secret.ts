/** Generated client secrets: 256 random bits with a prefix that scanners find and a checksum that spots typing errors. */
import { base62, bytesToInteger, encodeInteger } from './base62.ts'
import { checksum, hasChecksum } from './checksum.ts'

/** A tenant's environment, part of each secret so that one of the wrong environment is recognized by eye. */
export type Environment = 'test' | 'live'

// 43 characters are the fewest that hold 256 bits; 6 hold the 32 bits of the checksum.
const shape = /^sp_(test|live)_[0-9A-Za-z]{43}[0-9A-Za-z]{6}$/

/**
 * Writes 32 random bytes as a client secret: `sp_live_` or `sp_test_`, 43 characters, 6 of CRC-32 over all before.
 *
 * Does not check that the bytes are random. Throws `RangeError` unless there are 32.
 */
export function formatClientSecret(environment: Environment, randomBytes: Uint8Array): string {
  if (randomBytes.length !== 32)
    throw new RangeError(`a client secret takes 32 random bytes, not ${randomBytes.length}`)
  const unsigned = `sp_${environment}_${encodeInteger(bytesToInteger(randomBytes), 43, base62)}`
  return unsigned + checksum(unsigned)
}

/**
 * Recognizes a generated client secret, without asking any store; null for any other text and for a wrong checksum.
 *
 * This proves nothing about a client: anyone can compute a checksum.
 */
export function parseClientSecret(text: string): { readonly environment: Environment } | null {
  const [, environment] = shape.exec(text) ?? []
  if (environment === undefined || !hasChecksum(text)) return null
  return { environment: environment === 'live' ? 'live' : 'test' }
}
