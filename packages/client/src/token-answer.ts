/**
 * The token endpoint's answer, read by what a machine client needs of it and no more: real servers send a lower-case
 * type, a list of scopes, an `expires_in` as text or none, an `id_token` that nobody asked for.
 */

import { TokenRequestError } from './errors.ts'
import type { AccessToken } from './token.ts'

type Members = Readonly<Record<string, unknown>>

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const printable = /^[\x20-\x7e]{1,128}$/

/** Only what cannot make a second line of a log. */
export const plain = (value: unknown): string | undefined =>
  typeof value === 'string' && printable.test(value) ? value : undefined

const text = (value: unknown): string | undefined => (typeof value === 'string' && value ? value : undefined)

/** RFC 6750 §2.1: what no header can carry is no token, and would be told to whoever reads the error. */
const bearable = (value: unknown): string | undefined =>
  typeof value === 'string' && /^[\x21-\x7e]+$/.test(value) ? value : undefined

export interface AnswerContext {
  readonly url: string
  readonly askedAt: number
  readonly mustBeBound: boolean
}

/** Takes only what was sent as 200. */
export async function readToken(response: Response, context: AnswerContext): Promise<AccessToken> {
  const fail = (code: 'invalid_answer' | 'token_not_bound', cause?: unknown): never => {
    throw new TokenRequestError(context.url, { ...circumstances(response), code }, { cause })
  }
  const body: unknown = await response.json().catch((error) => fail('invalid_answer', error))
  if (!isMembers(body)) return fail('invalid_answer')
  const accessToken = bearable(body.access_token)
  const tokenType = readType(body.token_type)
  const seconds = readSeconds(body.expires_in)
  if (!accessToken || !tokenType || Number.isNaN(seconds)) return fail('invalid_answer')
  // RFC 9449 §5: a client that wants its tokens bound does not take one that anybody can use.
  if ((tokenType === 'DPoP') !== context.mustBeBound) return fail('token_not_bound')
  const expiresAt = seconds === undefined ? undefined : context.askedAt + seconds
  return { accessToken, tokenType, expiresAt, scope: readScope(body.scope) }
}

/** RFC 6749 §5.1: the type is compared without its case. */
function readType(value: unknown): AccessToken['tokenType'] | undefined {
  const name = text(value)?.toLowerCase()
  return name === 'bearer' ? 'Bearer' : name === 'dpop' ? 'DPoP' : undefined
}

/** NaN for what is there and is no lifetime. */
function readSeconds(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined
  const seconds = typeof value === 'number' ? value : Number(text(value) ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : Number.NaN
}

const readScope = (value: unknown): string | undefined =>
  Array.isArray(value) ? value.join(' ') : text(value)

/** Any other answer than the one that was hoped for. */
export async function readRefusal(response: Response, url: string, now: number): Promise<TokenRequestError> {
  const body: unknown = await response.json().catch(() => undefined)
  const { error, error_description: description } = isMembers(body) ? body : {}
  return new TokenRequestError(url, {
    ...circumstances(response),
    code: plain(error) ?? 'unexpected_status',
    description: text(description),
    retryAfterSeconds: readRetryAfter(response.headers.get('retry-after'), now),
  })
}

const circumstances = ({ status, headers }: Response) => ({
  status,
  requestId: plain(headers.get('x-request-id')),
})

/** RFC 9110 §10.2.3: seconds, or a date. */
function readRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined
  if (/^\d+$/.test(header)) return Number(header)
  const at = Date.parse(header) / 1000
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
