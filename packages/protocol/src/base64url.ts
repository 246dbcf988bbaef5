/** Bytes as base64url (RFC 4648 §5), read strictly, on any runtime that JavaScript has. */

/**
 * Reads base64url without padding: only the spelling that an encoder would write, whose last character has no stray bits
 * (RFC 4648 §3.5). Null for any other text, the empty one included. Does not bound the length: the caller does.
 */
export function decodeBase64url(text: string): Uint8Array | null {
  const bytes = decodeLoosely(text)
  if (bytes === null || bytes.length === 0) return null
  // Whatever the decoder has passed over, or stopped at, it has no bytes for; and it reads both alphabets.
  if (text.length % 4 === 1 || bytes.length !== Math.floor((text.length * 3) / 4)) return null
  return hasStrayBits(text) || text.includes('+') || text.includes('/') ? null : bytes
}

/** A last group of two characters ends with four bits that no byte has, one of three with two. */
function hasStrayBits(text: string): boolean {
  const over = text.length % 4
  if (over === 0) return false
  const last = alphabet.indexOf(text.charAt(text.length - 1))
  return (last & (over === 2 ? 0b1111 : 0b11)) !== 0
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Writes bytes as base64url without padding. */
export function encodeBase64url(bytes: Uint8Array): string {
  if (hasBuffer) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
  const text = btoa(String.fromCharCode(...bytes))
  return text.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

// Where it exists it is several times as fast as what the web offers.
const hasBuffer = typeof globalThis.Buffer === 'function'

const decodeLoosely: (text: string) => Uint8Array | null = hasBuffer
  ? // Of a character outside of ASCII it would read the low byte.
    (text) => (Buffer.byteLength(text) === text.length ? Buffer.from(text, 'base64url') : null)
  : (text) => {
      try {
        const bytes = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
        return Uint8Array.from(bytes, (one) => one.charCodeAt(0))
      } catch {
        return null
      }
    }
