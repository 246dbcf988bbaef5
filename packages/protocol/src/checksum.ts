/** Six characters that tell a text with a typing error from one that was never made here; they prove nothing. */
import { crc32 } from 'node:zlib'
import { base62, encodeInteger } from './base62.ts'

/** CRC-32 of the text, in base62. */
export const checksum = (text: string): string => encodeInteger(BigInt(crc32(text)), 6, base62)

/** Whether a text ends in the checksum of what stands before it. */
export const hasChecksum = (text: string): boolean => checksum(text.slice(0, -6)) === text.slice(-6)
