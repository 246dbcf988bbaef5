/** What the methods with a client assertion share: which algorithm and claims count, and that each counts once. */

import { hash } from 'node:crypto'
import { checkClientAssertion, type Jws } from '@sallyport/protocol'
import type { AuthenticationMethod } from '../../apps/authentication-methods.ts'
import type { Client, Credential } from '../../apps/client.ts'
import type { SignatureTrials } from '../../keys/signature-trials.ts'
import type { OAuthDeps } from '../deps.ts'
import type { OAuthRequest } from '../request.ts'
import { tokenPath } from '../token-path.ts'
import type { ProvenClient } from './proven-client.ts'

/** An assertion as it came, with the client it claims to be of. Nothing in it is proven yet. */
export interface ClaimedAssertion {
  readonly request: OAuthRequest
  readonly jws: Jws
  readonly clientId: string
  /** What the token is held against, over all keys of a client. */
  readonly trials: SignatureTrials
}

/** One of the methods: who has signed the assertion, or the reason for the log why nobody has. */
export type AssertionMethod = (
  client: Client | null,
  assertion: ClaimedAssertion,
  deps: OAuthDeps,
) => ProvenClient | string | Promise<ProvenClient | string>

export const algorithmRefused = 'assertion algorithm not allowed'

/** RFC 8725 §3.1: the algorithm is one that the tenant allows, whatever the header wishes. */
export const tenantAllows = ({ request, jws }: ClaimedAssertion): boolean =>
  request.tenant.security.assertionAlgorithms.has(jws.algorithm)

/** To be asked once the work is done: that a client is choosy tells that it exists. */
export const clientAllows = ({ jws }: ClaimedAssertion, { settings }: Client): boolean =>
  settings.assertionAlgorithms?.has(jws.algorithm) ?? true

/** RFC 7523 §3: to be called once the signature has been found good. */
export async function acceptOnce(
  { request, jws, clientId }: ClaimedAssertion,
  client: Client,
  credential: Credential,
  method: AuthenticationMethod,
  { singleUse }: OAuthDeps,
): Promise<ProvenClient | string> {
  const { issuer, tenant, now } = request
  const { acceptsTokenEndpointAudience } = tenant.security
  const audiences = acceptsTokenEndpointAudience ? [issuer, issuer + tokenPath] : [issuer]
  const claims = checkClientAssertion(jws.payload, { clientId, audiences, now })
  if (!claims.ok) return claims.reason
  const digest = hash('sha256', `assertion ${tenant.id} ${clientId} ${claims.jti}`, 'buffer')
  const isFirst = await singleUse.use({ digest, expiresAt: claims.expiresAt })
  return isFirst ? { client, credential, method } : 'assertion used before'
}
