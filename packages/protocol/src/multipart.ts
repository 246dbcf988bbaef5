/**
 * Small multipart/form-data bodies, for the dialect of platforms whose samples use `curl --form`.
 *
 * Written by hand because the platform's `formData()` is lenient: it takes text before the first and after the last
 * boundary, bytes that are not UTF-8, base64 parts, and a part with two names.
 */
import { refuse } from './errors.ts'
import { addParameter, Form, type FormValues } from './form.ts'
import { hasHarmfulControl } from './form-encoding.ts'
import { parseParameters } from './header-parameters.ts'
import { parseMediaType } from './media-type.ts'
import { decodeUtf8 } from './utf8.ts'

const maximumBytes = 8 * 1024
// RFC 2046 §5.1.1: one to seventy characters of this set, the last one not a blank.
const boundarySyntax = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/
const identityEncodings: ReadonlySet<string> = new Set(['7bit', '8bit', 'binary'])

/**
 * Parses a multipart/form-data body of at most 8 KiB whose parts are plain fields named in `allowedNames`.
 *
 * A `grant_type` in literal double quotes loses them: some clients send the quotes that curl's command line strips.
 * Nothing is written anywhere. Whether the tenant speaks this dialect is the caller's question.
 *
 * Throws `invalid_request` for another media type, a missing or broken boundary, a file, an unknown or repeated field,
 * a transfer encoding, and text that is not UTF-8. RFC 7578 §4, RFC 2046 §5.1.
 */
export function parseMultipartForm(
  body: Uint8Array,
  contentType: string | undefined,
  allowedNames: readonly string[] = ['grant_type', 'scope', 'resource', 'audience'],
): Form {
  if (body.byteLength > maximumBytes) refuseMultipart('more than 8 KiB')
  const values: FormValues = new Map()
  const text = decodeUtf8(body) ?? refuseMultipart('bytes that are not UTF-8')
  for (const part of splitParts(text, boundaryOf(contentType))) {
    const { name, value } = parsePart(part)
    if (!allowedNames.includes(name)) refuseMultipart(`a field other than ${allowedNames.join(', ')}`)
    addParameter(values, name, name === 'grant_type' ? withoutQuotes(value) : value)
  }
  return new Form(values)
}

function boundaryOf(contentType: string | undefined): string {
  const mediaType = parseMediaType(contentType)
  if (mediaType?.type !== 'multipart/form-data') refuseMultipart('another media type')
  const { boundary } = mediaType
  if (boundary === undefined || !boundarySyntax.test(boundary))
    refuseMultipart('a missing or malformed boundary')
  return boundary
}

/** Strict where RFC 2046 §5.1.1 lets readers skip: nothing before the first boundary, and nothing after the last. */
function splitParts(text: string, boundary: string): readonly string[] {
  const delimiter = `\r\n--${boundary}`
  const [before, ...pieces] = `\r\n${text}`.split(delimiter)
  const end = pieces.pop()
  if (before !== '' || pieces.length === 0 || (end !== '--' && end !== '--\r\n'))
    refuseMultipart('a broken boundary')
  if (!pieces.every((piece) => piece.startsWith('\r\n'))) refuseMultipart('a broken boundary')
  return pieces.map((piece) => piece.slice(2))
}

function parsePart(part: string): { name: string; value: string } {
  const blankLine = part.indexOf('\r\n\r\n')
  if (blankLine === -1) refuseMultipart('a part without a blank line')
  const headers = parsePartHeaders(part.slice(0, blankLine))
  const value = part.slice(blankLine + 4)
  if (hasHarmfulControl(value)) refuseMultipart('a control character')
  return { name: fieldName(headers), value }
}

function parsePartHeaders(lines: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (const line of lines.split('\r\n')) {
    // One quantifier for blanks and text: two that overlap would go over a long run of blanks again and again.
    const [, name, value] = /^([a-z-]+):([\t\x20-\x7e]*)$/i.exec(line) ?? []
    if (name === undefined || value === undefined) refuseMultipart('a malformed part header')
    if (headers.has(name.toLowerCase())) refuseMultipart('a repeated part header')
    headers.set(name.toLowerCase(), value.trimStart())
  }
  return headers
}

function fieldName(headers: ReadonlyMap<string, string>): string {
  const disposition = headers.get('content-disposition') ?? ''
  const [, parameterText] = /^form-data[ \t]*(;.*)$/i.exec(disposition) ?? []
  const parameters = parseParameters(parameterText ?? '')
  const name = parameters?.get('name')
  if (name === undefined) refuseMultipart('a part without a name')
  if (parameters?.has('filename') || parameters?.has('filename*')) refuseMultipart('a file')
  if ((parseMediaType(headers.get('content-type') ?? 'text/plain')?.type ?? '') !== 'text/plain')
    refuseMultipart('a part that is not text')
  // RFC 7578 §4.7: senders must not encode parts; one that does would be read differently by others.
  if (!identityEncodings.has((headers.get('content-transfer-encoding') ?? 'binary').toLowerCase()))
    refuseMultipart('an encoded part')
  return name
}

const withoutQuotes = (value: string): string => /^"([^"]*)"$/.exec(value)?.[1] ?? value

function refuseMultipart(found: string): never {
  refuse('invalid_request', `multipart form: ${found}`, `The multipart form cannot be read: it has ${found}.`)
}
