/** Where the endpoints of the authorization server are: told, or found in its metadata once. */

import * as oauth from 'oauth4webapi'
import type { Effects } from './effects.ts'
import { TokenRequestError } from './errors.ts'
import type { ClientOptions } from './options.ts'
import { readRefusal } from './token-answer.ts'

export type FindServer = () => Promise<oauth.AuthorizationServer>

/** Longer than this nobody waits for an authorization server. */
const patienceSeconds = 30

/** What every request to the authorization server goes with. */
export const requestOptions = (effects: Pick<Effects, 'fetch' | 'deadline'>) => ({
  [oauth.customFetch]: (url: string, init: oauth.CustomFetchOptions<string, unknown>) =>
    fetchWhole(url, init as RequestInit, effects).catch((cause: unknown) => {
      throw new TokenRequestError(url, { code: 'unreachable' }, { cause })
    }),
  signal: effects.deadline(patienceSeconds),
})

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
  const fail = (cause?: unknown): never => {
    throw new TokenRequestError(issuer.href, { code: 'invalid_answer', status: 200 }, { cause })
  }
  const server = await oauth.processDiscoveryResponse(issuer, response).catch(fail)
  return isHttps(server.token_endpoint) ? server : fail(new TypeError('its token_endpoint is no https URL'))
}

const isHttps = (url: unknown): boolean =>
  typeof url === 'string' && URL.canParse(url) && new URL(url).protocol === 'https:'
