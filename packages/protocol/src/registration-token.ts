/** Tokens of client registration (RFC 7591, RFC 7592): 256 random bits with a prefix that scanners find, and a checksum. */
import { base62, bytesToInteger, encodeInteger } from './base62.ts'
import { checksum, hasChecksum } from './checksum.ts'

// RFC 7591 §1.2: the first lets an app come into being, the second lets it look after itself.
const kinds = { initial: 'iat', registration: 'rat' } as const
export type RegistrationTokenKind = keyof typeof kinds

// 43 characters hold 256 bits, 6 the checksum.
const shape = /^sp_(iat|rat)_[0-9A-Za-z]{49}$/

/** `sp_iat_` or `sp_rat_`, 43 characters of 32 random bytes, 6 of CRC-32 over all before. Checks neither. */
export function formatRegistrationToken(kind: RegistrationTokenKind, randomBytes: Uint8Array): string {
  const unsigned = `sp_${kinds[kind]}_${encodeInteger(bytesToInteger(randomBytes), 43, base62)}`
  return unsigned + checksum(unsigned)
}

/** Null for whatever is none by its looks: another shape, or a wrong checksum. This proves nothing. */
export function parseRegistrationToken(text: string): RegistrationTokenKind | null {
  const [, letters] = shape.exec(text) ?? []
  if (letters === undefined || !hasChecksum(text)) return null
  return letters === 'iat' ? 'initial' : 'registration'
}
