/** A request to the API with its token, and with a proof where the token is bound to a key. */

import * as oauth from 'oauth4webapi'
import type { Effects } from './effects.ts'
import type { OutgoingRequest } from './outgoing-request.ts'
import type { Prover } from './prover.ts'
import type { AccessToken } from './token.ts'

export interface Sent {
  readonly response: Response
  /** RFC 6750 §3.1: 401, and not for want of a nonce. */
  readonly refusesToken: boolean
}

interface Answer {
  readonly response: Response
  readonly asksForNonce: boolean
}

export interface SendParts {
  readonly effects: Pick<Effects, 'fetch'>
  readonly prover: Prover
}

/** RFC 9449 §9: where the API asks for its nonce, the request goes out once more with it. */
export async function sendRequest(
  token: AccessToken,
  request: OutgoingRequest,
  parts: SendParts,
): Promise<Sent> {
  const first = await sendOnce(token, request, parts)
  if (!first.asksForNonce || !request.canBeSentAgain) return judge(first)
  await first.response.body?.cancel()
  return judge(await sendOnce(token, request, parts))
}

const judge = ({ response, asksForNonce }: Answer): Sent => ({
  response,
  refusesToken: response.status === 401 && !asksForNonce,
})

async function sendOnce(token: AccessToken, request: OutgoingRequest, parts: SendParts): Promise<Answer> {
  const { method, url, headers, signal, rest } = request
  const dpop = await parts.prover()
  const options = {
    // Origins were checked before: what is not https here is this machine.
    [oauth.allowInsecureRequests]: url.protocol === 'http:',
    [oauth.customFetch]: (to: string, init: object) => parts.effects.fetch(to, { ...init, ...rest }),
    ...(dpop && { DPoP: dpop }),
    ...(signal && { signal }),
  }
  try {
    const response = await oauth.protectedResourceRequest(
      token.accessToken,
      method,
      url,
      headers,
      null,
      options,
    )
    return { response, asksForNonce: false }
  } catch (error) {
    // The library throws what callers of fetch want to see: any answer with a challenge.
    if (!(error instanceof oauth.WWWAuthenticateChallengeError)) throw error
    return { response: error.response, asksForNonce: dpop !== undefined && oauth.isDPoPNonceError(error) }
  }
}
