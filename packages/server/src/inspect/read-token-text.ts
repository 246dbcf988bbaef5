/** What somebody pasted, taken apart into a JWT's header and claims, or the sentence that says what it is instead. */

type JsonObject = Readonly<Record<string, unknown>>

export type TokenText =
  | {
      readonly problem?: never
      readonly token: string
      readonly header: JsonObject
      readonly claims: JsonObject
    }
  | { readonly problem: string; readonly header: JsonObject | null; readonly claims: null }

// Far above any token of ours; a larger text is not worth decoding.
const longest = 32_768

const refusal = (problem: string, header: JsonObject | null = null): TokenText => ({
  problem,
  header,
  claims: null,
})

/** Takes the token alone, `Bearer` before it, a whole header line, or either in quotes. */
export function readTokenText(text: string): TokenText {
  const token = unwrap(text)
  if (token === '') return refusal('There is no token: nothing was given.')
  const variable = /^\$\{?\w+\}?$|^%\w+%$/.exec(token)
  if (variable)
    return refusal(
      'This is the name of a shell variable, not its value: single quotes keep the shell from filling it in, so use double quotes.',
    )
  if (token.length > longest) return refusal('This is too long to be a token.')
  if (/^sp_(?:test|live)_/.test(token))
    return refusal(
      'This is a client secret, not a token. Keep it to yourself: it is what tokens are got with.',
    )
  if (/^sp_(?:at|rt)_/.test(token))
    return refusal('This is an opaque token by its beginning, but it was cut or altered.')
  const parts = token.split('.')
  if (parts.length !== 3) return refusal('Not a JWT: a JWT has three parts with two dots between them.')
  return readParts(token, parts)
}

function readParts(token: string, [headerPart = '', claimsPart = '']: readonly string[]): TokenText {
  const header = parsePart(headerPart)
  if (header === null) return refusal('Malformed header: the first part is not a JSON object in base64url.')
  const claims = parsePart(claimsPart)
  if (claims === null)
    return refusal('Malformed claims: the second part is not a JSON object in base64url.', header)
  return { token, header, claims }
}

/** The token itself, as people copy it: quoted, with the scheme, or as a whole header line. */
export const unwrap = (text: string): string =>
  text
    .trim()
    .replace(/^(["'])(.*)\1$/s, '$2')
    .replace(/^Authorization:\s*/i, '')
    .replace(/^Bearer\s+/i, '')
    .replace(/^(["'])(.*)\1$/s, '$2')
    .trim()

function parsePart(part: string): JsonObject | null {
  if (!/^[A-Za-z0-9_-]+$/.test(part)) return null
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(part, 'base64url'))
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
  } catch {
    return null
  }
}
