/** The guard's options, read once: what is wrong or missing is refused when the API starts, and not at its first request. */

import { decodeBase64url, parseUrl } from '@sallyport/protocol'
import type { Effects } from './effects.ts'
import type { ApiCredentials } from './issuer/ask.ts'
import { checkLimit, type LimitStore } from './limits/limit.ts'
import { type LimitOf, readLimit } from './limits-of-endpoints.ts'
import type { Refused } from './refusal.ts'
import type { RevocationState } from './revocation/follower.ts'
import type { Endpoint } from './routes/endpoint.ts'
import type { Runtime } from './runtime/runtime.ts'
import type { TokenProfileOptions } from './tokens/profile.ts'

/** What `createGuard` is told; only `issuer` and `audience` are needed. */
export interface GuardOptions {
  /** The URL of the tenant at its authorization server, to the last character. */
  readonly issuer: string
  /** What the tokens for this API have in `aud`. */
  readonly audience: string
  /** Who the API is at the issuer; without it nothing is followed and nothing introspected. */
  readonly credentials?: ApiCredentials
  /** Where clients reach the API; the audience, where that is an https URL. DPoP and RFC 9728 metadata need it. */
  readonly resource?: string
  readonly tokens?: TokenProfileOptions
  /** `opaque` asks the issuer about tokens that are no JWT, `always` about all. Needs `credentials`. */
  readonly introspect?: 'opaque' | 'always'
  /**
   * Which requests there are, and what each needs; without it `check` is told. `issuer`: those that are declared there,
   * and followed; needs `credentials`.
   */
  readonly endpoints?: readonly Endpoint[] | 'issuer'
  /** Of requests that no endpoint takes: `refuse` answers 404 and 405, `authenticate` lets every good token in. */
  readonly unlisted?: 'refuse' | 'authenticate'
  /** Without `limitOf`, and with `credentials`: the limits that are declared at the issuer. */
  readonly limits?: { readonly store: LimitStore; readonly limitOf?: LimitOf }
  /** What happens while the issuer's revocations cannot be followed: after how long, and then what. */
  readonly revocation?: { readonly whenCut?: 'refuse' | 'allow'; readonly afterSeconds?: number }
  /** What every token must be bound to. */
  readonly senderConstraint?: 'none' | 'dpop' | 'mtls' | 'any'
  /** `nonces: true`, or a key of 32 random bytes in base64url that the processes of the API share. */
  readonly dpop?: { readonly nonces?: boolean | string; readonly algorithms?: readonly string[] }
  readonly cache?: {
    /** How many tokens are remembered; none with 0. */
    readonly tokens?: number
    readonly introspectionSeconds?: number
    /** How many apps' limits are remembered. */
    readonly apps?: number
  }
  readonly keys?: {
    readonly refreshSeconds?: number
    readonly coolDownSeconds?: number
    readonly oldestSeconds?: number
  }
  /** For the API's log and metrics; nothing that they are handed holds a token. */
  readonly onRefusal?: (refused: Refused) => void
  readonly onRevocationState?: (state: RevocationState) => void
  readonly effects?: Effects
  readonly runtime?: Runtime
}

/**
 * What a program has set up wrongly, all of it in one message; never the fault of a request.
 *
 * Does not tell what only the issuer knows: that it is unknown or refuses the credentials stands in `guard.status()`.
 *
 * @example
 * ```ts
 * import { createGuard, GuardOptionsError } from '@sallyport/guard'
 *
 * try {
 *   createGuard({ issuer: 'https://auth.example.com/acme', audience: process.env.AUDIENCE ?? '' })
 * } catch (error) {
 *   if (!(error instanceof GuardOptionsError)) throw error
 *   console.error(error.message) // The guard cannot start: audience must be the `aud` of tokens for this API.
 * }
 * ```
 */
export class GuardOptionsError extends TypeError {
  readonly code = 'ERR_INVALID_ARG_VALUE'
}

const fail = (problem: string): never => {
  throw new GuardOptionsError(problem)
}

/** All problems at once, so that nobody mends one at a start. */
export function checkOptions(options: GuardOptions): void {
  const problems = [...problemsOf(options)]
  if (problems.length > 0) fail(`The guard cannot start: ${problems.join('; ')}.`)
}

function* problemsOf(options: GuardOptions): Iterable<string> {
  const { issuer, audience, credentials, resource, introspect, senderConstraint } = options
  if (!isHttpsUrl(issuer)) yield 'issuer must be an https URL'
  // Trust 18: without it a token for any other API of the tenant would open this one.
  if (typeof audience !== 'string' || audience === '')
    yield 'audience must be the `aud` of tokens for this API'
  if (credentials !== undefined && !(credentials.id && credentials.secret))
    yield 'credentials need id and secret'
  if (resource !== undefined && !isHttpsUrl(resource)) yield 'resource must be an https URL'
  if (introspect !== undefined && credentials === undefined)
    yield `introspect: ${introspect} needs credentials`
  const needsResource = senderConstraint === 'dpop' || options.dpop !== undefined
  if (needsResource && resourceOf(options) === null) yield 'DPoP needs resource, the URL that clients use'
  if (options.revocation !== undefined && credentials === undefined) yield 'revocation needs credentials'
  yield* misspelled(options)
  const { nonces } = options.dpop ?? {}
  // RFC 9449 §8: a nonce that others can foresee says nothing of when a proof was made.
  if (typeof nonces === 'string' && decodeBase64url(nonces)?.length !== 32)
    yield 'dpop.nonces must be true, or 32 random bytes in base64url'
  yield* limitsThatAreNone(options)
  const { tokens = {}, endpoints } = options
  if (endpoints === 'issuer' && credentials === undefined) yield 'endpoints: issuer needs credentials'
  // 001-17: what tells APIs apart is then the scope alone.
  if (
    tokens.acceptMissing?.includes('aud') &&
    endpoints !== 'issuer' &&
    endpoints?.some(({ isPublic, scope }) => !isPublic && !scope?.length)
  )
    yield 'with acceptMissing: aud each endpoint needs a scope'
}

const choices = {
  introspect: ['opaque', 'always'],
  unlisted: ['refuse', 'authenticate'],
  senderConstraint: ['none', 'dpop', 'mtls', 'any'],
} as const satisfies Partial<Record<keyof GuardOptions, readonly string[]>>

/** A program without types may have written `mTLS`, and would be guarded by less than it means. */
function* misspelled(options: GuardOptions): Iterable<string> {
  const known = Object.entries(choices) as [keyof typeof choices, readonly string[]][]
  for (const [name, words] of known) {
    const word = options[name]
    if (word !== undefined && !words.includes(word)) yield `${name} must be ${words.join(' or ')}`
  }
}

/** Where the guard is to count by them, a limit that it cannot read would be none. */
function* limitsThatAreNone({ endpoints = [], limits }: GuardOptions): Iterable<string> {
  if (limits === undefined || limits.limitOf !== undefined || endpoints === 'issuer') return
  for (const { method, path, limit } of endpoints)
    if (limit !== undefined && !isLimit(limit)) yield `the limit of ${method} ${path} is none`
}

function isLimit(value: unknown): boolean {
  const limit = readLimit(value)
  try {
    if (limit !== null) checkLimit(limit)
    return limit !== null
  } catch {
    return false
  }
}

export const isHttpsUrl = (value: unknown): boolean =>
  typeof value === 'string' && parseUrl(value)?.protocol === 'https:'

export const resourceOf = ({ resource, audience }: GuardOptions): string | null =>
  resource ?? (isHttpsUrl(audience) ? audience : null)
