/** HTTP Basic credentials as OAuth clients send them: with the encoding RFC 6749 §2.3.1 asks for, and without it. */
import { decodeFormComponent, isEncodable } from './form-encoding.ts'
import { decodeUtf8 } from './utf8.ts'

/** One way to read a Basic header. `decoded` follows RFC 6749 §2.3.1, `raw` RFC 7617 alone. */
export interface BasicReading {
  readonly clientId: string
  readonly clientSecret: string
  readonly encoding: 'decoded' | 'raw'
}

// RFC 9110 §11.1: the scheme has no case; one blank, since lenient parsers of this header have been exploited.
const credentials = /^basic ([A-Za-z0-9+/]+={0,2})$/i
const control = /\p{Cc}/u
// Nearly every id and secret is printable ASCII, which is quicker to see than the other.
const hasControl = (text: string): boolean => !isEncodable(text) && control.test(text)

/**
 * Parses an `Authorization: Basic` value to its readings: the form-decoded one first, then the raw one if it differs.
 * Both must be tried, because half of the clients in the world do not encode; they must never lead to two clients.
 *
 * Null, for the caller to answer `invalid_client`: another scheme, no standard padded base64 (RFC 4648 §3.2, §3.5), no
 * UTF-8, no colon, an empty id or secret, a control character. A bad percent sequence only removes the decoded reading.
 * Throws nothing. Does not know any client. RFC 7617 §2, RFC 6749 §2.3.1.
 */
export function parseBasic(headerValue: string): readonly BasicReading[] | null {
  const text = decodeUserPass(credentials.exec(headerValue)?.[1] ?? '')
  if (text === null || hasControl(text)) return null
  // RFC 7617 §2: only the id cannot hold a colon; §2.3.1's encoding is undone after the split.
  const colon = text.indexOf(':')
  if (colon < 1 || colon === text.length - 1) return null
  const raw = {
    clientId: text.slice(0, colon),
    clientSecret: text.slice(colon + 1),
    encoding: 'raw',
  } as const
  const decoded = formDecoded(raw)
  if (!decoded) return [raw]
  const same = decoded.clientId === raw.clientId && decoded.clientSecret === raw.clientSecret
  return same ? [decoded] : [decoded, raw]
}

function formDecoded(raw: BasicReading): BasicReading | null {
  const clientId = decodeFormComponent(raw.clientId)
  const clientSecret = decodeFormComponent(raw.clientSecret)
  if (clientId === null || clientSecret === null || hasControl(clientId) || hasControl(clientSecret))
    return null
  return { clientId, clientSecret, encoding: 'decoded' }
}

function decodeUserPass(base64: string): string | null {
  const text = decodeBase64(base64)
  if (text === null || isEncodable(text)) return text
  return decodeUtf8(Uint8Array.from(text, (character) => character.charCodeAt(0)))
}

/** The platform forgives missing padding and stray bits; only the one canonical spelling comes back the same. */
function decodeBase64(base64: string): string | null {
  try {
    const text = atob(base64)
    return btoa(text) === base64 ? text : null
  } catch {
    return null
  }
}
