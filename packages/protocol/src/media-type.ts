/** What a Content-Type header says, and whether it says form. */
import { refuse } from './errors.ts'
import { parseParameters } from './header-parameters.ts'

const formType = 'application/x-www-form-urlencoded'
const typeAndRest = /^[ \t]*([!#$%&'*+.^_`|~0-9a-z-]+\/[!#$%&'*+.^_`|~0-9a-z-]+)(.*)$/is

/**
 * Which of `types` an Accept header names with the highest weight, the first of equals; undefined where it names none of
 * them, or all with `q=0`. A wildcard names none: who understands a special type says so. RFC 9110 §12.5.1.
 */
export function preferredType(accept: string | undefined, types: readonly string[]): string | undefined {
  if (accept === undefined || accept === '*/*') return undefined
  // One type and nothing about it is what nearly every client sends, and need not be taken apart.
  if (types.includes(accept)) return accept
  const weights = new Map(accept.split(',').flatMap(weightedType))
  const weightOf = (type: string): number => weights.get(type) ?? 0
  const [best] = types.filter((type) => weightOf(type) > 0).toSorted((a, b) => weightOf(b) - weightOf(a))
  return best
}

/** RFC 9110 §12.4.2: no weight is the whole of it, and what cannot be read is none. */
function weightedType(range: string): [type: string, weight: number][] {
  const [, type, rest] = typeAndRest.exec(range) ?? []
  const parameters = rest === undefined ? null : parseParameters(rest)
  if (type === undefined || parameters === null) return []
  const weight = parameters.get('q') ?? '1'
  return [[type.toLowerCase(), /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(weight) ? Number(weight) : 0]]
}

/** A media type: `type` and `charset` in lower case, `boundary` as sent. */
export interface MediaType {
  readonly type: string
  readonly charset: string | undefined
  readonly boundary: string | undefined
}

/**
 * Parses a Content-Type header; null if it is absent, malformed, a list, or repeats a parameter.
 *
 * Knows no list of media types and does not check the charset or the boundary. RFC 9110 §8.3.1.
 */
export function parseMediaType(header: string | undefined): MediaType | null {
  const [, type, rest] = typeAndRest.exec(header ?? '') ?? []
  if (type === undefined || rest === undefined) return null
  const parameters = parseParameters(rest)
  if (!parameters) return null
  return {
    type: type.toLowerCase(),
    charset: parameters.get('charset')?.toLowerCase(),
    boundary: parameters.get('boundary'),
  }
}

/**
 * Checks that a request says application/x-www-form-urlencoded in UTF-8, which is also what no charset means.
 *
 * Throws `invalid_request` naming the type wanted; 415 would be HTTP's answer, but client libraries read an OAuth
 * error object only from 400 and 401. Does not look at the body. RFC 6749 §4.4.2, App. B.
 */
export function requireFormContentType(header: string | undefined): void {
  if (header === formType) return
  const mediaType = parseMediaType(header)
  if (mediaType?.type !== formType) {
    refuse(
      'invalid_request',
      'body is not form-encoded',
      `Send the parameters in the body, with Content-Type: ${formType}.`,
    )
  }
  if (!isUtf8(mediaType))
    refuse('invalid_request', 'form body in a charset other than UTF-8', `Send ${formType} in UTF-8.`)
}

/**
 * Whether a request says that its body is JSON, by one of `types` and in UTF-8, which is also what no charset means. Does not
 * look at the body. RFC 8259 §8.1, §11.
 */
export function saysJson(header: string | undefined, types: readonly string[]): boolean {
  const mediaType = parseMediaType(header)
  return mediaType !== null && types.includes(mediaType.type) && isUtf8(mediaType)
}

/** "utf8" is no registered name, but widely sent, and cannot mean anything else. */
const isUtf8 = ({ charset = 'utf-8' }: MediaType): boolean => charset === 'utf-8' || charset === 'utf8'

/** Whether a body would have to be unpacked first, which nobody here does: a small one could become a large one. RFC 9110 §8.4. */
export const isEncoded = (contentEncoding: string | undefined): boolean =>
  contentEncoding !== undefined && contentEncoding.toLowerCase() !== 'identity'
