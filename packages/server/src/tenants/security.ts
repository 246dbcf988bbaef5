/** A tenant's demands, compiled: which proofs count, and what a token must be bound to. */

import { defaultSignatureAlgorithms, type SignatureAlgorithm } from '@sallyport/protocol'
import {
  type AuthenticationMethod,
  authenticationMethodNames,
  authenticationMethods,
} from '../apps/authentication-methods.ts'
import type { MacAlgorithm } from '../keys/macs.ts'
import type { SecuritySettings, SenderConstraint } from './security-settings.ts'

export interface Security {
  readonly isFapi: boolean
  readonly authenticationMethods: ReadonlySet<AuthenticationMethod>
  readonly assertionAlgorithms: ReadonlySet<string>
  readonly proofAlgorithms: ReadonlySet<string>
  readonly acceptsTokenEndpointAudience: boolean
  readonly senderConstraint: SenderConstraint
  readonly requiresDpopNonce: boolean
  /** Whether a secret that others could read is put out of use, and not only flagged. */
  readonly quarantinesExposed: boolean
  /** PEM. */
  readonly certificateAuthorities: readonly string[]
}

// FAPI 2.0 Security Profile §5.4.
const fapiAlgorithms: ReadonlySet<string> = new Set([
  'ES256',
  'EdDSA',
  'Ed25519',
  'PS256',
] satisfies SignatureAlgorithm[])
// HS512 would need secrets of 64 bytes (RFC 7518 §3.2), and ours have 57.
export const macsOfOurSecrets: readonly MacAlgorithm[] = ['HS256', 'HS384']

export function compileSecurity(settings: SecuritySettings): Security {
  const isFapi = settings.security === 'fapi2'
  const algorithms = settings.assertion_algorithms ?? [...defaultSignatureAlgorithms, ...macsOfOurSecrets]
  const allowed = new Set<string>(isFapi ? algorithms.filter((name) => fapiAlgorithms.has(name)) : algorithms)
  const constraint = settings.sender_constraint ?? 'none'
  return {
    isFapi,
    authenticationMethods: new Set(
      authenticationMethodNames.filter((name) => !isFapi || authenticationMethods[name].isFapi),
    ),
    assertionAlgorithms: allowed,
    proofAlgorithms: isFapi ? fapiAlgorithms : new Set(defaultSignatureAlgorithms),
    acceptsTokenEndpointAudience: !isFapi && settings.assertion_audience === 'issuer_or_token_endpoint',
    // FAPI 2.0 Security Profile §5.3.2.1: only sender-constrained access tokens.
    senderConstraint: isFapi && constraint === 'none' ? 'any' : constraint,
    requiresDpopNonce: settings.dpop_nonce === 'required',
    quarantinesExposed: settings.exposed_secrets !== 'flag',
    certificateAuthorities: settings.certificate_authorities ?? [],
  }
}
