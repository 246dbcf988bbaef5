/** One token of an outside issuer against one rule: what the rule says, and whether the issuer has signed it. */

import { type Jws, mediaTypeOf, type Soon, signatureAlgorithms } from '@sallyport/protocol'
import { createSignatureTrials, meantBy, type SignatureTrials } from '../keys/signature-trials.ts'
import type { VerificationKey } from '../keys/verify-signature.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { type MatchContext, mismatches } from './match.ts'
import type { FederationRule } from './rule.ts'

// All of them, since GitHub, GitLab and Kubernetes know RS256 alone.
const algorithms: ReadonlySet<string> = new Set(signatureAlgorithms)

/** RFC 8725 §3.11. Identity tokens of machines have the type of an access token, `JWT`, or none: a list of good ones would be ours alone. */
const otherPurposes: ReadonlySet<string | null> = new Set([
  // What is no text says nothing.
  '',
  ...['oauth-id-jag+jwt', 'dpop+jwt', 'token-introspection+jwt', 'logout+jwt', 'secevent+jwt'],
  ...['oauth-authz-req+jwt', 'client-authentication+jwt'],
])

export interface FederationContext extends MatchContext {
  /** Whose rule it is: an organization's, or a tenant's. */
  readonly owner: string
  /** Of this token, where it is held against several rules: it costs no more than with one. */
  readonly trials?: SignatureTrials
}

/**
 * Empty if the token proves what the rule asks for; otherwise what is missing, without anything of the token.
 *
 * The claims come first, so that only tokens that would count make anybody fetch a key. `ownKeys` are the issuer's keys
 * where the operator has them; null where they are fetched.
 */
export function verifyOutside(
  jws: Jws,
  rule: FederationRule,
  context: FederationContext,
  issuerKeys: IssuerKeys,
  ownKeys: readonly VerificationKey[] | null = null,
): Soon<readonly string[]> {
  if (!algorithms.has(jws.algorithm)) return [`its algorithm is not one of ${signatureAlgorithms.join(', ')}`]
  const reasons = mismatches(rule, jws.payload, context)
  // At once: how many rules a client has is not to be told by how long it takes to wait for each (trust row 12).
  return reasons.length > 0 ? reasons : verifySigned(jws, rule, context, issuerKeys, ownKeys)
}

async function verifySigned(
  jws: Jws,
  rule: FederationRule,
  context: FederationContext,
  issuerKeys: IssuerKeys,
  ownKeys: readonly VerificationKey[] | null,
): Promise<readonly string[]> {
  const { kid } = jws.header
  const { owner, trials = createSignatureTrials(jws) } = context
  const name = typeof kid === 'string' ? kid : null
  const keys = ownKeys ?? (await issuerKeys.keysFor(rule, { kid: name, owner }))
  if (keys.length === 0) return ['no key of the issuer could be had']
  const candidates = meantBy(name, keys, (key) => key.kid)
  const missing = [
    candidates.length === 0
      ? 'no key of the issuer has the kid of the token'
      : 'no key of the issuer has signed it',
  ]
  if (trials.findSigner(candidates)) return []
  if (name !== null || ownKeys !== null) return missing
  // Of a token that does not name its key it may be a new one.
  const others = await issuerKeys.keysFor(rule, { kid: null, owner, noneOf: keys })
  return trials.findSigner(others) ? [] : missing
}

/** The same of a token that stands for the machine which shows it. */
export const verifyFederated: typeof verifyOutside = (jws, ...terms) =>
  otherPurposes.has(mediaTypeOf(jws))
    ? ['its typ says that it was made for something else']
    : verifyOutside(jws, ...terms)
