/** What somebody pasted, taken apart into a JWT's header and claims, or the sentence that says what it is instead. */

import { decodeDocument, parseClientSecret, parseJsonObject } from '@sallyport/protocol'
import { ownSecretIn } from './own-secrets.ts'
import type { InspectedKind } from './token-report.ts'

type JsonObject = Readonly<Record<string, unknown>>

export interface NoToken {
  /** Never with a piece of the text: it may be a secret. */
  readonly problem: string
  readonly nextStep: string
  readonly kind: InspectedKind
  readonly header: JsonObject | null
  readonly claims: null
}

export type TokenText =
  | {
      readonly problem?: never
      readonly token: string
      readonly header: JsonObject
      readonly claims: JsonObject
    }
  | NoToken

// Far above any token of ours; a larger text is not worth decoding.
const longest = 32_768

const copyAgain = 'Copy it again, whole and without line breaks.'
const giveToken = 'Give the access token: the member access_token of what the token endpoint answers.'

const refusal = (problem: string, nextStep = giveToken, kind: InspectedKind = 'unknown'): NoToken => ({
  ...{ problem, nextStep, kind },
  ...{ header: null, claims: null },
})

/** Takes the token alone, `Bearer` before it, a whole header line, either in quotes, or the token endpoint's whole answer. */
export function readTokenText(text: string): TokenText {
  const token = unwrap(text)
  const other = secretIn(token) ?? ownToken(token) ?? otherThanToken(token)
  if (other !== null) return other
  const parts = token.split('.')
  if (parts.length !== 3) return refusal('Not a JWT: a JWT has three parts with two dots between them.')
  return readParts(token, parts)
}

function otherThanToken(token: string): NoToken | null {
  if (token === '') return refusal('There is no token: nothing was given.')
  if (/^\$\{?\w+\}?$|^%\w+%$/.test(token))
    return refusal(
      'This is the name of a shell variable, not its value: single quotes keep the shell from filling it in, so use double quotes.',
    )
  if (token.length > longest) return refusal('This is too long to be a token.')
  if (/^sp_(?:at|rt)_/.test(token))
    return refusal('This is an opaque token by its beginning, but it was cut or altered.', copyAgain)
  const id = requestIdIn(token)
  return id === null ? null : requestId(id)
}

/** A UUID of ours or a proxy's, or the 32 hex digits that nginx makes; alone, or with the name it stood under. */
const requestIdIn = (text: string): string | null =>
  /^(?:"?(?:x-request-id|request_id)"?\s*:\s*"?)?([\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}|[\da-f]{32})"?$/i.exec(
    text,
  )?.[1] ?? null

const requestId = (id: string): NoToken =>
  refusal(
    'This is no token but the id of a request, as every answer carries one in X-Request-Id.',
    `Look it up in the log of the server: the line with "request_id":"${id}" has the reason of a refusal.`,
  )

const keepSecret =
  'If others may have seen it, in a history or a ticket: sallyport credentials rotate gives the app another, and sallyport secrets report puts this one out of use, or says how to where the tenant wants it flagged alone.'

/** Wherever it stands in the text: with its client id before it, or as a header. */
function secretIn(text: string): NoToken | null {
  const [found] = /sp_(?:test|live)_[0-9A-Za-z]*/.exec(text) ?? []
  if (found !== undefined) return secretProblem(found)
  if (!/^Basic\s/i.test(text)) return null
  return refusal(
    'This is a client id and a secret for HTTP Basic, not a token. Keep it to yourself: it is what tokens are got with.',
    keepSecret,
    'basic_credentials',
  )
}

function ownToken(text: string): NoToken | null {
  const found = ownSecretIn(text)
  return found && refusal(found.sentence, found.nextStep, found.kind)
}

function secretProblem(text: string): NoToken {
  if (parseClientSecret(text) === null)
    return refusal(
      'This is a client secret, not a token, and it was cut or mistyped: its checksum is wrong. Keep it to yourself all the same.',
      keepSecret,
      'client_secret',
    )
  return refusal(
    'This is a client secret, not a token. Keep it to yourself: it is what tokens are got with.',
    keepSecret,
    'client_secret',
  )
}

function readParts(token: string, [headerPart = '', claimsPart = '']: readonly string[]): TokenText {
  const header = parsePart(headerPart)
  if (header === null)
    return refusal('Malformed header: the first part is not a JSON object in base64url.', copyAgain)
  const claims = parsePart(claimsPart)
  if (claims === null)
    return {
      ...refusal('Malformed claims: the second part is not a JSON object in base64url.', copyAgain),
      header,
    }
  return { token, header, claims }
}

/** The token itself, as people copy it: quoted, with the scheme, as a whole header line, or in the answer that brought it. */
export const unwrap = (text: string): string =>
  tokenOfAnswer(text)
    .trim()
    .replace(/^(["'])(.*)\1$/s, '$2')
    .replace(/^Authorization:\s*/i, '')
    .replace(/^(?:Bearer|DPoP)\s+/i, '')
    .replace(/^(["'])(.*)\1$/s, '$2')
    .trim()

/** RFC 6749 §5.1; any other text stays as it is. */
function tokenOfAnswer(text: string): string {
  if (!/^\s*\{/.test(text) || text.length > longest) return text
  const token = parseJsonObject(text)?.access_token
  return typeof token === 'string' ? token : text
}

function parsePart(part: string): JsonObject | null {
  if (!/^[A-Za-z0-9_-]+$/.test(part)) return null
  try {
    const value: unknown = JSON.parse(decodeDocument(Buffer.from(part, 'base64url')) ?? '')
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
  } catch {
    return null
  }
}
