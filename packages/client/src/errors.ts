/** What goes wrong: an authorization server that gives no token, and a caller that asks for what must not be. */

/** What a `TokenRequestError` may say beside the codes of OAuth. */
export type OwnErrorCode = 'unreachable' | 'unexpected_status' | 'invalid_answer' | 'token_not_bound'

export interface Failure {
  /** RFC 6749 §5.2 as the server said it (`invalid_client`, `invalid_scope`, …), or one of ours. */
  readonly code: string
  /** Undefined where there was no answer. */
  readonly status?: number | undefined
  /** What the server says for people. */
  readonly description?: string | undefined
  /** Hand it to whoever runs the server: the true reason stands in the log under it. */
  readonly requestId?: string | undefined
  /** The server asked not to be asked again before so many seconds have passed. */
  readonly retryAfterSeconds?: number | undefined
}

interface Circumstances {
  readonly cause?: unknown
  /** What the message says in brackets: a few words for whoever has set the client up. */
  readonly why?: string | undefined
}

/**
 * There is no token: the authorization server refused, could not be reached, or answered what is no token.
 *
 * Its message has no secret and no token in it. Whether to try again is for the caller to say: `retryAfterSeconds` is
 * there if the server named a time, and 400 and 401 will not get better by themselves.
 *
 * @example
 * ```ts
 * import { createClient, TokenRequestError } from '@sallyport/client'
 *
 * const api = createClient({
 *   issuer: 'https://auth.example.com/acme',
 *   clientId: process.env.CLIENT_ID ?? '',
 *   clientSecret: process.env.CLIENT_SECRET,
 *   origins: ['https://api.example.com'],
 * })
 * try {
 *   await api.fetch('https://api.example.com/invoices')
 * } catch (error) {
 *   if (error instanceof TokenRequestError) console.error(error.code, error.requestId)
 * }
 * ```
 */
export class TokenRequestError extends Error implements Failure {
  override readonly name = 'TokenRequestError'
  readonly code: string
  readonly status: number | undefined
  readonly description: string | undefined
  readonly requestId: string | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(url: string, failure: Failure, options?: Circumstances) {
    super(describe(url, failure, options?.why), options)
    this.code = failure.code
    this.status = failure.status
    this.description = failure.description
    this.requestId = failure.requestId
    this.retryAfterSeconds = failure.retryAfterSeconds
  }
}

function describe(url: string, { code, status, requestId }: Failure, why: string | undefined): string {
  // What stands in a query is nobody's to log.
  const [place] = url.split('?')
  const id = requestId === undefined ? '' : ` (X-Request-Id ${requestId})`
  const reason = why === undefined ? '' : ` (${why})`
  return `${place}: ${status === undefined ? '' : `${status} `}${code}${reason}${id}`
}

export type MisuseCode = 'ERR_INVALID_ARG_VALUE' | 'ERR_ORIGIN_NOT_ALLOWED'

/** For mistakes of the program that calls: the same kind of error as `fetch` throws for them. */
export function refuse(code: MisuseCode, message: string): never {
  throw Object.assign(new TypeError(message), { code })
}
