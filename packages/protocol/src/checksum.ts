/** Six characters that tell a text with a typing error from one that was never made here; they prove nothing. */
import { base62, encodeInteger } from './base62.ts'

/** CRC-32 of the text, which is ASCII, in base62. */
export const checksum = (text: string): string => encodeInteger(BigInt(crc32(text)), 6, base62)

// Here and not from a runtime's own library, so that it is the same wherever a verifier runs.
const remainders = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  return value
})

function crc32(text: string): number {
  let value = 0xffffffff
  for (let index = 0; index < text.length; index++) {
    value = (value >>> 8) ^ (remainders[(value ^ text.charCodeAt(index)) & 0xff] ?? 0)
  }
  return (value ^ 0xffffffff) >>> 0
}

/** Whether a text ends in the checksum of what stands before it. */
export const hasChecksum = (text: string): boolean => checksum(text.slice(0, -6)) === text.slice(-6)
