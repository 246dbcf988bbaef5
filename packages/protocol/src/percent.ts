/** Percent sequences (RFC 3986 §2.1) decoded strictly: a `+` is a plus, and each sequence is part of well-formed UTF-8. */

/** Null for a broken sequence and for bytes that are no UTF-8. Does not mind what the text means then. */
export function decodePercent(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
