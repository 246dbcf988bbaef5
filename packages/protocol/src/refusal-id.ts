/** The id of a refusal. It holds the reason and the second, so nobody has to keep it, and nothing of the token. */

import { base62, bytesToInteger, encodeInteger } from './base62.ts'
import { checksum, hasChecksum } from './checksum.ts'
import { type RefusalReason, refusals } from './refusals.ts'

const byNumber = new Map<number, RefusalReason>(
  Object.entries(refusals).map(([reason, { number }]) => [number, reason as RefusalReason]),
)

const prefix = 'sp_refusal_'
const shape = /^sp_refusal_[0-9A-Za-z]{20}$/
const randomBytes = 5
const digits = 14

/** An id that says why and when. `random` are five bytes that tell two refusals of one second apart. */
export function formatRefusalId(reason: RefusalReason, at: number, random: Uint8Array): string {
  if (random.length !== randomBytes) throw new RangeError(`a refusal id takes ${randomBytes} random bytes`)
  const bytes = new Uint8Array(5 + randomBytes)
  const view = new DataView(bytes.buffer)
  view.setUint8(0, refusals[reason].number)
  view.setUint32(1, at)
  bytes.set(random, 5)
  const unsigned = prefix + encodeInteger(bytesToInteger(bytes), digits, base62)
  return unsigned + checksum(unsigned)
}

/** What an id says; anybody can make one up, so it proves nothing about what happened. */
export interface RefusalIdReading {
  readonly reason: RefusalReason
  /** Epoch seconds, by the clock of the API. */
  readonly at: number
}

/** Null for any other text. */
export function parseRefusalId(text: string): RefusalIdReading | null {
  if (!shape.test(text) || !hasChecksum(text)) return null
  let value = 0n
  for (const digit of text.slice(prefix.length, prefix.length + digits))
    value = value * 62n + BigInt(base62.indexOf(digit))
  const reason = byNumber.get(Number(value >> 72n))
  return reason === undefined ? null : { reason, at: Number((value >> 40n) & 0xffffffffn) }
}
