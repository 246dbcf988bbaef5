/** One token from the token endpoint, with the two repetitions that a server may ask for. */

import * as oauth from 'oauth4webapi'
import { type FindServer, requestOptions } from './authorization-server.ts'
import type { Effects } from './effects.ts'
import { TokenRequestError } from './errors.ts'
import type { ClientOptions } from './options.ts'
import type { Prover } from './prover.ts'
import type { AccessToken } from './token.ts'
import { readRefusal, readToken } from './token-answer.ts'

/** Who waits for a token waits for this as well. */
const longestWaitSeconds = 10

export interface Identity {
  readonly client: oauth.Client
  readonly authentication: oauth.ClientAuth
}

export interface TokenRequestParts extends Identity {
  readonly options: ClientOptions
  readonly effects: Effects
  readonly findServer: FindServer
  readonly prover: Prover
}

/** RFC 9110 §10.2.3: a server that names a short time is asked once more after it. */
export async function requestToken(parts: TokenRequestParts): Promise<AccessToken> {
  try {
    return await askWithNonce(parts)
  } catch (error) {
    const seconds = secondsToWait(error)
    if (seconds === undefined) throw error
    await parts.effects.wait(seconds)
    return askWithNonce(parts)
  }
}

function secondsToWait(error: unknown): number | undefined {
  if (!(error instanceof TokenRequestError) || (error.status !== 429 && error.status !== 503))
    return undefined
  const { retryAfterSeconds } = error
  return retryAfterSeconds !== undefined && retryAfterSeconds <= longestWaitSeconds
    ? retryAfterSeconds
    : undefined
}

/** RFC 9449 §8: the refusal has brought the nonce that the next proof holds. */
async function askWithNonce(parts: TokenRequestParts): Promise<AccessToken> {
  try {
    return await askOnce(parts)
  } catch (error) {
    if (error instanceof TokenRequestError && error.code === 'use_dpop_nonce') return askOnce(parts)
    throw error
  }
}

async function askOnce(parts: TokenRequestParts): Promise<AccessToken> {
  const { options, effects, client, authentication } = parts
  const [server, dpop] = await Promise.all([parts.findServer(), parts.prover()])
  // The life counts from before the question: the way back takes time too.
  const askedAt = effects.clock()
  const response = await oauth.clientCredentialsGrantRequest(
    server,
    client,
    authentication,
    parameters(options),
    {
      ...requestOptions(effects),
      ...(dpop && { DPoP: dpop }),
    },
  )
  const url = server.token_endpoint ?? server.issuer
  if (response.status !== 200) throw await readRefusal(response, url, effects.clock())
  return readToken(response, { url, askedAt, mustBeBound: dpop !== undefined })
}

function parameters({ scope, resource, audience }: ClientOptions): URLSearchParams {
  const given = Object.entries({ scope, resource, audience }).filter(([, value]) => value)
  return new URLSearchParams(given as [string, string][])
}
