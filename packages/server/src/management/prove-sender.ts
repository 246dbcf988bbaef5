/** Whether a bound token is shown by who it is bound to: RFC 9449 §7 by its key, RFC 8705 §3 by its certificate. */

import { type Confirmation, OAuthError, readConfirmation } from '@sallyport/protocol'
import { type ProofDeps, proveDpopKey } from '../sender-constraint/dpop.ts'
import type { Tenant } from '../tenants/tenant.ts'
import type { OwnToken } from '../tokens/own-token.ts'
import { challenge, type Scheme } from './challenge.ts'
import { refuseWith } from './problem.ts'
import { type ManagementRequest, managementPath } from './request.ts'

export interface SenderDeps extends ProofDeps {
  /** Where the API is reached: the server's own origin, and the one where connections are asked for certificates. */
  readonly origins: readonly string[]
}

/** A token of the system tenant, as it came. */
export interface ShownToken {
  readonly request: ManagementRequest
  readonly scheme: Scheme
  readonly text: string
  readonly token: OwnToken
  readonly tenant: Tenant
  readonly now: number
}

/** Throws `unauthenticated`. */
export async function proveSender(shown: ShownToken, deps: SenderDeps): Promise<void> {
  const { cnf } = shown.token.claims
  if (cnf === undefined && shown.scheme === 'Bearer') return
  if (cnf === undefined) refuseSender(shown, 'not bound to a key')
  const bound = readConfirmation(cnf) ?? refuseSender(shown, 'bound to what cannot be proven here')
  checkScheme(shown, bound)
  checkCertificate(shown, bound)
  if (bound.jkt !== undefined) await proveKey(shown, bound.jkt, deps)
}

/** RFC 9449 §7.2: as a bearer token it would be good for whoever has stolen it. */
function checkScheme(shown: ShownToken, { jkt }: Confirmation): void {
  const wanted = jkt === undefined ? 'Bearer' : 'DPoP'
  if (shown.scheme !== wanted) refuseSender({ ...shown, scheme: wanted }, 'shown under the other scheme')
}

/** What was shown and cannot be read is a failed proof, never none. */
function checkCertificate(shown: ShownToken, { 'x5t#S256': thumbprint }: Confirmation): void {
  if (thumbprint === undefined) return
  const certificate = shown.request.clientCertificate()
  if (certificate === null || certificate === 'malformed') refuseSender(shown, 'without its certificate')
  if (certificate.leaf.thumbprintSha256 !== thumbprint) refuseSender(shown, 'with another certificate')
}

/** No nonce is asked for: the system tenant cannot be set so. */
async function proveKey(shown: ShownToken, bound: string, deps: SenderDeps): Promise<void> {
  const { request, tenant, text, now } = shown
  if (request.dpop.length === 0) refuseSender(shown, 'without a proof')
  const urls = deps.origins.map((origin) => origin + managementPath + request.path)
  const call = { tenant, now, urls, proofs: request.dpop, method: request.method, accessToken: text }
  const { jkt } = await proveDpopKey(call, deps).catch((error: unknown) => refuseProof(shown, error))
  if (jkt !== bound) refuseSender(shown, 'proof of another key than the token is bound to')
}

function refuseProof({ tenant }: ShownToken, error: unknown): never {
  if (!(error instanceof OAuthError)) throw error
  const { proofAlgorithms: algorithms } = tenant.security
  refuseWith('unauthenticated', {
    reason: error.message,
    detail: error.description,
    headers: { 'WWW-Authenticate': challenge('DPoP', { error: 'invalid_dpop_proof', algorithms }) },
  })
}

function refuseSender({ scheme, tenant }: ShownToken, reason: string): never {
  const { proofAlgorithms: algorithms } = tenant.security
  refuseWith('unauthenticated', {
    reason,
    detail: howToShow[scheme],
    headers: { 'WWW-Authenticate': challenge(scheme, { error: 'invalid_token', algorithms }) },
  })
}

const howToShow: Readonly<Record<Scheme, string>> = {
  Bearer: 'Send the token as Authorization: Bearer, over a connection with the certificate it is bound to.',
  DPoP: 'Send a token that is bound to your key as Authorization: DPoP, with a proof made for this call as DPoP.',
}
