/** Opaque tokens: 256 random bits with a prefix that scanners find, where to look them up, and a checksum. */
import { base62, bytesToInteger, encodeInteger } from './base62.ts'
import { checksum, hasChecksum } from './checksum.ts'

const kinds = { access: 'at', refresh: 'rt' } as const
export type OpaqueTokenKind = keyof typeof kinds

export interface OpaqueTokenParts {
  readonly kind: OpaqueTokenKind
  /** Four characters of base36: in which partition of the store it is kept. */
  readonly partition: string
}

// 43 characters hold 256 bits, 6 the checksum.
const shape = /^sp_(at|rt)_([0-9a-z]{4})[0-9A-Za-z]{49}$/

/** `sp_at_` or `sp_rt_`, the partition, 43 characters of 32 random bytes, 6 of CRC-32 over all before. Checks neither. */
export function formatOpaqueToken({ kind, partition }: OpaqueTokenParts, randomBytes: Uint8Array): string {
  const unsigned = `sp_${kinds[kind]}_${partition}${encodeInteger(bytesToInteger(randomBytes), 43, base62)}`
  return unsigned + checksum(unsigned)
}

/** Null for whatever is no opaque token by its looks: another shape, or a wrong checksum. */
export function parseOpaqueToken(text: string): OpaqueTokenParts | null {
  const [, letters, partition] = shape.exec(text) ?? []
  if (letters === undefined || partition === undefined || !hasChecksum(text)) return null
  return { kind: letters === 'at' ? 'access' : 'refresh', partition }
}
