/** Bytes as base64url (RFC 4648 §5), read strictly, on any runtime that JavaScript has. */

/**
 * Reads base64url without padding: only the spelling that an encoder would write, whose last character has no stray bits
 * (RFC 4648 §3.5). Null for any other text, the empty one included. Does not bound the length: the caller does.
 */
export function decodeBase64url(text: string): Uint8Array | null {
  const bytes = decodeLoosely(text)
  // Writing it again costs half of what looking at each character does, and leaves no spelling to think of.
  return bytes !== null && bytes.length > 0 && writeAgain(bytes) === text ? bytes : null
}

/** Writes bytes as base64url without padding. */
export function encodeBase64url(bytes: Uint8Array): string {
  if (hasBuffer) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
  const text = btoa(String.fromCharCode(...bytes))
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

// Where it exists it is several times as fast as what the web offers.
const hasBuffer = typeof globalThis.Buffer === 'function'

const decodeLoosely: (text: string) => Uint8Array | null = hasBuffer
  ? (text) => Buffer.from(text, 'base64url')
  : (text) => {
      try {
        const bytes = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
        return Uint8Array.from(bytes, (one) => one.charCodeAt(0))
      } catch {
        return null
      }
    }

/** Of what was just read, which is a Buffer where there are any: making one of it again would cost as much as the writing. */
const writeAgain: (bytes: Uint8Array) => string = hasBuffer
  ? (bytes) => (bytes as Buffer).toString('base64url')
  : encodeBase64url
