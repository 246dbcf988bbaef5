/** Whether and to what a token is bound: what the request proves, held against what app, API and tenant demand. */

import { type Confirmation, refuse } from '@sallyport/protocol'
import { proveDpopKey } from '../sender-constraint/dpop.ts'
import type { SenderConstraint } from '../tenants/security-settings.ts'
import type { OAuthDeps } from './deps.ts'
import type { Authorization, Behalf } from './grants/grant.ts'
import type { OAuthRequest } from './request.ts'

/** Null for a bearer token. A promise only where a proof was sent. */
export function confirmSender(
  request: OAuthRequest,
  { client, api, behalf }: Authorization,
  deps: OAuthDeps,
): Confirmation | null | Promise<Confirmation> {
  const { security } = request.tenant
  const demands = [security.senderConstraint, api.senderConstraint, client.settings.senderConstraint]
  if (behalf !== undefined && behalf.boundTo.length > 0) return confirmBound(request, demands, behalf, deps)
  const isFree = demands.every((demand) => demand === null || demand === 'none')
  if (isFree && request.http.dpop.length === 0) return null
  const { refusalWithoutKey = null } = behalf ?? {}
  if (refusalWithoutKey !== null && provesNothing(request)) refuseUnbound(refusalWithoutKey)
  return confirm(request, demands, deps)
}

const provesNothing = ({ http }: OAuthRequest): boolean =>
  http.dpop.length === 0 && http.clientCertificate() === null

/** What a bound token was exchanged for is bound as well, and to the same keys. */
async function confirmBound(
  request: OAuthRequest,
  demands: readonly (SenderConstraint | null)[],
  { boundTo, refusal }: Behalf,
  deps: OAuthDeps,
): Promise<Confirmation> {
  const needsProof = boundTo.some(({ jkt }) => jkt !== undefined)
  const needsCertificate = boundTo.some((one) => one['x5t#S256'] !== undefined)
  if (needsProof && request.http.dpop.length === 0) refuse(refusal, 'bound to a DPoP key, and no proof')
  if (needsCertificate && request.http.clientCertificate() === null)
    refuse(refusal, 'bound to a certificate, and none presented')
  const proven = await confirm(request, needsCertificate ? [...demands, 'mtls'] : demands, deps)
  const names = ['jkt', 'x5t#S256'] as const
  const isProven = boundTo.every((one) =>
    names.every((name) => one[name] === undefined || one[name] === proven[name]),
  )
  return isProven ? proven : refuse(refusal, 'bound to another key than the one proven')
}

async function confirm(
  request: OAuthRequest,
  demands: readonly (SenderConstraint | null)[],
  deps: OAuthDeps,
): Promise<Confirmation> {
  const jkt = request.http.dpop.length === 0 ? null : await proveKey(request, deps)
  if (jkt === null && demands.includes('dpop')) refuseWithoutProof()
  // A certificate that nobody asked to bind to may be there for the connection alone.
  const wantsCertificate = demands.includes('mtls') || (jkt === null && demands.includes('any'))
  const certificate = wantsCertificate ? request.http.clientCertificate() : null
  if (certificate === null && demands.includes('mtls')) refuseWithoutCertificate()
  if (certificate === null && jkt === null) refuseUnbound('invalid_dpop_proof')
  return {
    ...(jkt !== null && { jkt }),
    ...(certificate && { 'x5t#S256': certificate.leaf.thumbprintSha256 }),
  }
}

async function proveKey(request: OAuthRequest, deps: OAuthDeps): Promise<string> {
  const { tenant, now, notes } = request
  const { jkt, nextNonce } = await proveDpopKey(
    { tenant, now, proofs: request.http.dpop, method: 'POST', urls: tokenUrls(request), accessToken: null },
    deps,
  )
  if (nextNonce !== null) notes.nextDpopNonce = nextNonce
  return jkt
}

/** RFC 8705 §5: the endpoint has a second URL where connections are asked for certificates. */
const tokenUrls = ({ issuer, mtlsIssuer, http: { endpointPath } }: OAuthRequest): readonly string[] =>
  mtlsIssuer === null ? [issuer + endpointPath] : [issuer + endpointPath, mtlsIssuer + endpointPath]

/** RFC 9449 §5: where a certificate would not do. */
const refuseWithoutProof = (): never =>
  refuse(
    'invalid_dpop_proof',
    'no proof of possession',
    'Tokens for this request are bound to a key: send a DPoP proof.',
  )

/** RFC 8705 §3. */
const refuseWithoutCertificate = (): never =>
  refuse(
    'invalid_request',
    'no client certificate',
    'Tokens for this request are bound to a certificate: connect with one.',
  )

const refuseUnbound = (code: 'invalid_grant' | 'invalid_dpop_proof'): never =>
  refuse(
    code,
    'no proof of possession',
    'Tokens for this request are bound to a key: send a DPoP proof, or connect with a client certificate.',
  )
