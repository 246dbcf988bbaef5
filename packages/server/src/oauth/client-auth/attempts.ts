/** What a failed proof costs whoever made it: it counts, and past the limit the answer is 429 (RFC 6585 §4). */

import { OAuthError, refuse } from '@sallyport/protocol'
import type { Attempt } from '../../limits/wrong-attempts.ts'
import type { OAuthDeps } from '../deps.ts'
import type { OAuthRequest } from '../request.ts'

export const attemptBy = ({ tenant, http, now }: OAuthRequest, clientId: string): Attempt => ({
  tenantId: tenant.id,
  clientId,
  address: http.clientAddress,
  now,
})

// `sp_test_` or `sp_live_`, 43 characters, a checksum of 6: 256 random bits, which nobody finds by trying.
const generatedSecretLength = 57

/** An imported secret may be short: guesses at it are counted before they are evaluated. */
export const isGuessable = (secret: string): boolean =>
  !(secret.length === generatedSecretLength && secret.startsWith('sp_'))

/** `waitSeconds` is what counting the attempt has returned. */
export function refuseUnproven(waitSeconds: number, reason: string): never {
  if (waitSeconds > 0) refuseThrottled(waitSeconds)
  return refuse('invalid_client', reason)
}

/** Before a signature is looked at: past the limit not every one is. */
export function refuseCostly(request: OAuthRequest, clientId: string, { attempts }: OAuthDeps): void {
  if (!attempts.mayTry(attemptBy(request, clientId))) refuseThrottled(1)
}

export function refuseThrottled(retryAfterSeconds: number): never {
  throw new OAuthError('temporarily_unavailable', 'too many wrong secrets', {
    status: 429,
    retryAfterSeconds,
    detail:
      'Too many failed attempts to authenticate. Check the client id and its secret, key or certificate, and try again later.',
  })
}
