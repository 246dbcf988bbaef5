/** The outside issuers that a tenant trusts, compiled: whose keys count, and what their tokens may open here. */

import { signatureAlgorithms } from '@sallyport/protocol'
import { compileScopes, type GrantedScopes, type NamedApps, namedApps } from '../apps/app-settings.ts'
import type { FederationRule } from '../federation/rule.ts'
import { importVerificationKey, type VerificationKey } from '../keys/verify-signature.ts'
import type { Security } from './security.ts'
import type { TrustedIssuerSettings, TrustedUse } from './settings.ts'

export interface TrustedIssuer {
  /** What its tokens must say, in the words of federation. */
  readonly rule: FederationRule
  /** Null where its keys are fetched. */
  readonly keys: readonly VerificationKey[] | null
  readonly algorithms: ReadonlySet<string>
  readonly accepts: ReadonlySet<TrustedUse>
  /** Null where subject tokens name this server, as assertions do. */
  readonly subjectTokenAudience: string | null
  readonly apps: NamedApps
  /** Null where it leaves scopes alone. */
  readonly scopesByApi: ReadonlyMap<string, GrantedScopes> | null
  readonly maximumAssertionSeconds: number
  readonly maximumAccessTokenSeconds: number | null
}

/** By the `iss` of their tokens: one issuer may be trusted in several ways. */
export type TrustedIssuers = ReadonlyMap<string, readonly TrustedIssuer[]>

const hour = 3_600

export function compileTrustedIssuers(
  settings: readonly TrustedIssuerSettings[],
  security: Security,
): TrustedIssuers {
  return Map.groupBy(
    settings.map((one) => compile(one, security)),
    ({ rule }) => rule.issuer,
  )
}

function compile(settings: TrustedIssuerSettings, security: Security): TrustedIssuer {
  const { issuer, jwks_uri, jwks, subject, claims, scopes } = settings
  const algorithms: readonly string[] = settings.algorithms ?? signatureAlgorithms
  return {
    rule: { issuer, ...(jwks_uri && { jwks_uri }), ...(subject && { subject }), ...(claims && { claims }) },
    keys: jwks ? jwks.keys.flatMap((jwk) => importVerificationKey(jwk) ?? []) : null,
    algorithms: new Set(
      security.isFapi ? algorithms.filter((name) => security.proofAlgorithms.has(name)) : algorithms,
    ),
    accepts: new Set(settings.accepts ?? ['assertion']),
    subjectTokenAudience: settings.subject_token_audience ?? null,
    apps: namedApps(settings.apps),
    scopesByApi: scopes
      ? new Map(Object.entries(scopes).map(([apiId, allowed]) => [apiId, compileScopes(allowed)]))
      : null,
    maximumAssertionSeconds: settings.maximum_assertion_seconds ?? hour,
    maximumAccessTokenSeconds: settings.maximum_access_token_seconds ?? null,
  }
}

export const trusts = (issuers: TrustedIssuers, ...uses: readonly TrustedUse[]): boolean =>
  [...issuers.values()].flat().some(({ accepts }) => uses.some((use) => accepts.has(use)))
