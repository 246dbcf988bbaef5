/** Where the endpoints of the authorization server are: told, or found in its metadata once. */

import * as oauth from 'oauth4webapi'
import type { Effects } from './effects.ts'
import { TokenRequestError } from './errors.ts'
import type { ClientOptions } from './options.ts'
import { plain, readRefusal } from './token-answer.ts'

export type FindServer = () => Promise<oauth.AuthorizationServer>

/** Longer than this nobody waits for an authorization server. */
const patienceSeconds = 30

/** What every request to the authorization server goes with. */
export const requestOptions = (effects: Pick<Effects, 'fetch' | 'deadline'>) => ({
  [oauth.customFetch]: (url: string, init: oauth.CustomFetchOptions<string, unknown>) =>
    fetchWhole(url, init as RequestInit, effects).catch((cause: unknown) => {
      throw new TokenRequestError(url, { code: 'unreachable' }, { cause, why: innermostCode(cause) })
    }),
  signal: effects.deadline(patienceSeconds),
})

/** More than any runtime nests, and an end where a cause is its own. */
const deepestCause = 8

/**
 * `fetch` says no more than that it failed: whether for a certificate, a name or a port stands in what has caused it.
 * Causes are not asked for their class, as they may come from another realm.
 */
function innermostCode(error: unknown, depth = 0): string | undefined {
  if (typeof error !== 'object' || error === null || depth === deepestCause) return undefined
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: unknown }
  return innermostCode(cause, depth + 1) ?? plain(code)
}

/** An answer that breaks off, or does not end in time, is a lost connection and not a wrong answer. */
async function fetchWhole(
  url: string,
  init: RequestInit,
  effects: Pick<Effects, 'fetch'>,
): Promise<Response> {
  const response = await effects.fetch(url, init)
  await response.clone().arrayBuffer()
  return response
}

/** A failure is not kept: the next one to ask looks again. */
export function createServerFinder(options: ClientOptions, effects: Effects): FindServer {
  const { tokenUrl, issuer } = options
  if (tokenUrl) return async () => ({ issuer: issuer || tokenUrl, token_endpoint: tokenUrl })
  let found: Promise<oauth.AuthorizationServer> | undefined
  return () => {
    found ??= discover(new URL(issuer ?? ''), effects).catch((error: unknown) => {
      found = undefined
      throw error
    })
    return found
  }
}

/** RFC 8414 §3. */
async function discover(issuer: URL, effects: Effects): Promise<oauth.AuthorizationServer> {
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...requestOptions(effects) })
  if (response.status !== 200) throw await readRefusal(response, issuer.href, effects.clock())
  const fail = (why?: string, cause?: unknown): never => {
    throw new TokenRequestError(issuer.href, { code: 'invalid_answer', status: 200 }, { cause, why })
  }
  const server = await oauth
    .processDiscoveryResponse(issuer, response)
    .catch((error: unknown) => fail(whyRefused(error, issuer), error))
  return isHttps(server.token_endpoint) ? server : fail('its token_endpoint is no https URL')
}

/** RFC 8414 §3.3: the two must be the same, and often one has a slash more at its end. */
function whyRefused(error: unknown, given: URL): string | undefined {
  if (!(error instanceof oauth.OperationProcessingError) || error.code !== oauth.JSON_ATTRIBUTE_COMPARISON)
    return undefined
  const { body } = error.cause as { readonly body: { readonly issuer: unknown } }
  const named = plain(body.issuer) ?? 'another'
  return `names the issuer "${named}", and the client was given "${given.origin}${given.pathname}"`
}

const isHttps = (url: unknown): boolean =>
  typeof url === 'string' && URL.canParse(url) && new URL(url).protocol === 'https:'
