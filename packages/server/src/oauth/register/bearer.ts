/** The token of a registration: in the header alone (RFC 6750 §2.1), and what a wrong one costs. */

import { OAuthError, refuse } from '@sallyport/protocol'
import type { OAuthDeps } from '../deps.ts'
import { TokenNotShown } from '../error-reply.ts'
import type { OAuthCall } from '../request.ts'

const header = /^bearer ([\w~+/.-]+=*)$/i
/** RFC 6750 §3.1: whoever has tried another one is told what there is, and of no error. */
const ourScheme = /^bearer\b/i

export function readBearer({ http: { authorization } }: OAuthCall): string {
  const [first, second] = authorization
  if (first === undefined || !ourScheme.test(first)) throw new TokenNotShown()
  const [, token] = (second === undefined && header.exec(first)) || []
  return token ?? refuse('invalid_token', 'no one bearer token')
}

/** Does what a token is for. One that is good for nothing counts as a wrong secret, so that nobody tries for ever. */
export async function withToken<Result>(
  call: OAuthCall,
  { attempts, effects }: OAuthDeps,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof OAuthError && error.code === 'invalid_token') {
      // With a blank in it, which no client id has.
      const name = 'registration token'
      const attempt = { tenantId: call.tenant.id, clientId: name, address: call.http.clientAddress }
      const { waitSeconds } = attempts.count({ ...attempt, now: effects.clock() })
      if (waitSeconds > 0) refuseThrottled(waitSeconds)
    }
    throw error
  }
}

function refuseThrottled(retryAfterSeconds: number): never {
  throw new OAuthError('temporarily_unavailable', 'too many wrong registration tokens', {
    status: 429,
    retryAfterSeconds,
    detail: 'Too many wrong tokens. Check it, and try again later.',
  })
}
