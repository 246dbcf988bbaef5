/** A signed JWT as it is read before anything in it is believed: RFC 7515 §7.1, with one reading and bounded work. */

import { decodeBase64url, encodeBase64url } from './base64url.ts'
import { parseJsonObject } from './strict-json.ts'
import { decodeUtf8 } from './utf8.ts'

/** Nothing of it is proven: the header is a hint for the look-up, the payload counts once the signature does. */
export interface Jws {
  /** The header's `alg`. */
  readonly algorithm: string
  readonly header: Readonly<Record<string, unknown>>
  readonly payload: Readonly<Record<string, unknown>>
  /** What was signed: header and payload as they came. */
  readonly signingInput: string
  readonly signature: Uint8Array
}

const maximumLength = 16_384

/**
 * Reads a compact JWS whose payload is a JSON object.
 *
 * Null for anything else: more than 16,384 characters (before looking at them), not exactly three parts, base64url with
 * padding, stray bits or other characters, text that is not UTF-8, a member named twice, no `alg` text, and the header
 * members `crit` (RFC 7515 §4.1.11: none is understood here), `b64` and `zip`. Throws nothing, verifies nothing.
 */
export function readJws(text: string): Jws | null {
  if (text.length > maximumLength) return null
  const first = text.indexOf('.')
  const second = text.indexOf('.', first + 1)
  if (first < 1 || second < 0 || text.indexOf('.', second + 1) !== -1) return null
  const header = readHeader(text.slice(0, first))
  if (header === null) return null
  const payload = readPart(text.slice(first + 1, second))
  const signature = decodeBase64url(text.slice(second + 1))
  if (payload === null || signature === null) return null
  return { algorithm: header.alg, header, payload, signingInput: text.slice(0, second), signature }
}

/**
 * In lower case and without `application/`, neither of which says anything; null where the header has no `typ`, and `''`,
 * which is the name of nothing, for one that is no text. RFC 7515 §4.1.9, RFC 2045 §5.1.
 */
export function mediaTypeOf({ header: { typ } }: Pick<Jws, 'header'>): string | null {
  if (typ === undefined) return null
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : ''
}

type PlainHeader = Readonly<Record<string, unknown>> & { readonly alg: string }

interface KnownHeader {
  readonly part: string
  readonly header: PlainHeader
}

// A client's header is the same in each of its tokens, and a DPoP header holds a key that costs more to read.
const knownHeaders = new Map<string, KnownHeader>()
const headersKept = 1_000
const longestKnownHeader = 1_000

// Most tokens come from one issuer with one key, and comparing costs a tenth of looking up.
let latest: KnownHeader | undefined

function readHeader(part: string): PlainHeader | null {
  if (part === latest?.part) return latest.header
  const known = knownHeaders.get(part)
  if (known !== undefined) {
    latest = known
    return known.header
  }
  const header = readPlain(part)
  if (header !== null && part.length <= longestKnownHeader) keepHeader(part, header)
  return header
}

function keepHeader(part: string, header: PlainHeader): void {
  // The part is a slice, which keeps the whole body that it was cut from; written again it is a text of its own.
  const bytes = decodeBase64url(part)
  if (bytes === null) return
  const own = encodeBase64url(bytes)
  if (knownHeaders.size >= headersKept) knownHeaders.clear()
  latest = { part: own, header }
  knownHeaders.set(own, latest)
}

function readPlain(part: string): PlainHeader | null {
  const header = readPart(part)
  return header !== null && isPlain(header) ? header : null
}

const isPlain = (header: Readonly<Record<string, unknown>>): header is PlainHeader =>
  typeof header.alg === 'string' && !['crit', 'b64', 'zip'].some((name) => Object.hasOwn(header, name))

function readPart(part: string): Readonly<Record<string, unknown>> | null {
  const bytes = decodeBase64url(part)
  return bytes === null ? null : parseJsonObject(decodeUtf8(bytes) ?? '')
}
