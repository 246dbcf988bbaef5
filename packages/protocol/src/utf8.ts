/** Bytes as text in UTF-8 (RFC 3629), decoded strictly: what is not well-formed is no text. */

const exact = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const withoutMark = new TextDecoder('utf-8', { fatal: true })

/** Null for bytes that are no UTF-8. A byte order mark stays, so that no two sequences of bytes are one text. */
export const decodeUtf8 = (bytes: Uint8Array): string | null => decode(exact, bytes)

/** As `decodeUtf8`, but without the byte order mark that some programs begin a file or a body with. RFC 8259 §8.1. */
export const decodeDocument = (bytes: Uint8Array): string | null => decode(withoutMark, bytes)

function decode(decoder: typeof exact, bytes: Uint8Array): string | null {
  try {
    return decoder.decode(bytes)
  } catch {
    return null
  }
}
