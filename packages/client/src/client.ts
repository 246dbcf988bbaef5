/** The client put together: `fetch` with a token on every request. */

import { allowedOrigins, checkDestination } from './allowed-origins.ts'
import { createServerFinder } from './authorization-server.ts'
import { checkOptions } from './check-options.ts'
import { clientAuthentication } from './client-authentication.ts'
import { type FetchFunction, withSystemEffects } from './effects.ts'
import type { ClientOptions } from './options.ts'
import { type OutgoingRequest, readRequest } from './outgoing-request.ts'
import { createProver } from './prover.ts'
import { requestToken, type TokenRequestParts } from './request-token.ts'
import { revokeToken } from './revoke-token.ts'
import { type SendParts, sendRequest } from './send-request.ts'
import type { AccessToken } from './token.ts'
import { createTokenCache, type Taken, type TokenCache } from './token-cache.ts'
import { untilAborted } from './until-aborted.ts'

export interface Client {
  /**
   * `fetch` with a token: gets one, keeps it, renews it before it is over, and asks for another once if the API answers 401.
   *
   * Sends the token to the allowed origins alone, and follows no redirect: a 3xx is yours. The request goes out again
   * after a 401 only if its body is no stream. Does not look at any other status, and repeats nothing after one.
   * Rejects with `TokenRequestError` if there is no token, and with a `TypeError` of code `ERR_ORIGIN_NOT_ALLOWED`.
   */
  readonly fetch: FetchFunction
  /** The token for another HTTP client; ask for it before each request. Rejects with `TokenRequestError`. */
  token(options?: { readonly signal?: AbortSignal | undefined }): Promise<AccessToken>
  /** Drops the token: tell it which one an API has refused, or leave that out to drop whichever there is. */
  forget(accessToken?: string): void
  /**
   * Drops the token and tells the server so, if its metadata names an endpoint for it (RFC 7009). For the end of a
   * process; with token reuse on the server, other processes of the same app may be using that token.
   */
  revoke(): Promise<void>
}

/**
 * Makes the client of one app at one authorization server, for one set of scopes. Make it once and keep it: it is what
 * remembers the token. Nothing is sent before the first request.
 *
 * Does not check what a token says, nor that the server's answer has the scopes asked for: that is `token()`'s `scope`.
 * Throws a `TypeError` with code `ERR_INVALID_ARG_VALUE` that names everything wrong with the options.
 *
 * @example
 * ```ts
 * import { createClient } from '@sallyport/client'
 *
 * const api = createClient({
 *   issuer: 'https://auth.example.com/acme',
 *   clientId: process.env.CLIENT_ID ?? '',
 *   clientSecret: process.env.CLIENT_SECRET,
 *   origins: ['https://api.example.com'],
 * })
 * const response = await api.fetch('https://api.example.com/invoices')
 * ```
 */
export function createClient(options: ClientOptions): Client {
  checkOptions(options)
  const effects = withSystemEffects(options)
  const prover = createProver(options, effects)
  const parts: TokenRequestParts = {
    ...{ options, effects, prover },
    findServer: createServerFinder(options, effects),
    client: { client_id: options.clientId, use_mtls_endpoint_aliases: options.clientCertificate ?? false },
    authentication: clientAuthentication(options, effects),
  }
  const tokens = createTokenCache({
    effects,
    obtain: () => requestToken(parts),
    onRenewalFailed: options.onRenewalFailed ?? (() => {}),
  })
  const origins = allowedOrigins(options)
  return {
    fetch: async (input, init) => {
      const request = readRequest(input, init)
      checkDestination(request.url, origins)
      return fetchWithToken(request, tokens, { effects, prover })
    },
    token: async ({ signal } = {}) => (await untilAborted(tokens.take(), signal)).token,
    forget: (accessToken) => void tokens.forget(accessToken),
    async revoke() {
      const token = tokens.forget()
      if (token) await revokeToken(token.accessToken, parts)
    },
  }
}

async function fetchWithToken(
  request: OutgoingRequest,
  tokens: TokenCache,
  parts: SendParts,
): Promise<Response> {
  const take = (): Promise<Taken> => untilAborted(tokens.take(), request.signal)
  const taken = await take()
  const first = await sendRequest(taken.token, request, parts)
  if (!first.refusesToken) return first.response
  const mayDoBetter = tokens.refused(taken)
  if (!mayDoBetter || !request.canBeSentAgain) return first.response
  await first.response.body?.cancel()
  const { token } = await take()
  const second = await sendRequest(token, request, parts)
  if (second.refusesToken) tokens.refused({ token, isFresh: true })
  return second.response
}
