/** One name or value of application/x-www-form-urlencoded, decoded strictly; where a lenient reading would hide two spellings. */

import { decodePercent } from './percent.ts'

// RFC 6749 App. B: an encoder turns everything else into percent sequences, so a raw byte above ASCII means
// that the text was never encoded, or in a charset that nobody named.
const rawOutsideAscii = /[^\x20-\x7e]/

// Tab and line ends stay, because pretty-printed JSON (`authorization_details`) holds them.
const harmfulControl = /[^\P{Cc}\t\n\r]/u

/** True if the text holds a control character (RFC 6749 App. A allows none), tab and line ends excepted. */
export const hasHarmfulControl = (text: string): boolean => harmfulControl.test(text)

/** True if every character is one that an encoder may leave as it is, or the blank that many forget to encode. */
export const isEncodable = (text: string): boolean => !rawOutsideAscii.test(text)

/**
 * Decodes one component: `+` is a blank, `%XX` must be valid UTF-8 (no overlong forms, no lone surrogates).
 *
 * Gives null for text that no encoder writes and for what decodes to a harmful control character.
 * Does not split pairs. RFC 6749 App. B.
 */
export function decodeFormComponent(text: string): string | null {
  if (!isEncodable(text)) return null
  const blanked = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!blanked.includes('%')) return blanked
  const decoded = decodePercent(blanked)
  return decoded === null || hasHarmfulControl(decoded) ? null : decoded
}
