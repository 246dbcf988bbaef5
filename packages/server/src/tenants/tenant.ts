/** A tenant as requests see it: compiled once from its rows, and replaced whole when anything in it changes. */

import { compileScopes, type GrantedScopes } from '../apps/app-settings.ts'
import type { OwnKey } from '../keys/own-key.ts'
import type { Signer } from '../keys/signer.ts'
import type { TenantKeys } from '../keys/tenant-keys.ts'
import type { TenantRecord } from '../store/tenants.ts'
import { compileDialect, compileFormerDialects, type Dialect, type FormerDialect } from './dialect.ts'
import { defaultLifetime, type Lifetime } from './lifetime.ts'
import { compileSecurity, type Security } from './security.ts'
import type { SenderConstraint } from './security-settings.ts'
import type { ApiSettings, Endpoint, PlacedLimit, PlanSettings, TenantSettings } from './settings.ts'
import { compileTrustedIssuers, type TrustedIssuers } from './trusted-issuers.ts'

export interface Api {
  readonly id: string
  readonly audience: string
  /** What else clients may ask for it by. */
  readonly resources: readonly string[]
  readonly scopes: GrantedScopes
  readonly tokenFormat: 'jwt' | 'opaque'
  readonly accessTokenSeconds: number | null
  readonly senderConstraint: SenderConstraint | null
  readonly endpoints: readonly Endpoint[]
  /** The API's own symmetric key, or the tenant's key. */
  readonly signer: Signer
}

export interface Plan {
  readonly id: string
  /** Null where the plan leaves scopes alone. */
  readonly scopesByApi: ReadonlyMap<string, GrantedScopes> | null
  readonly accessTokenSeconds: number | null
  readonly limits: readonly PlacedLimit[]
}

export interface Tenant {
  readonly id: string
  /** Distinguishes this compilation from every other, so that what was derived from an older one is never used. */
  readonly edition: number
  readonly name: string
  readonly environment: 'test' | 'live'
  readonly isDisabled: boolean
  readonly hosts: readonly string[]
  /** The `iss` of tokens where it is not the URL the tenant is served under. */
  readonly tokenIssuer: string | null
  readonly lifetime: Lifetime
  readonly tokenReuse: boolean
  readonly outageGraceSeconds: number
  readonly dialect: Dialect
  readonly formerDialects: readonly FormerDialect[]
  readonly security: Security
  readonly apis: ReadonlyMap<string, Api>
  readonly apisByAudience: ReadonlyMap<string, Api>
  /** RFC 8707 §2: by all that clients may ask for. */
  readonly apisByTarget: ReadonlyMap<string, Api>
  readonly plans: ReadonlyMap<string, Plan>
  /** RFC 8693. */
  readonly exchangesTokens: boolean
  readonly trustedIssuers: TrustedIssuers
  /** RFC 7591: whether somebody has been given a token to register apps with. */
  readonly takesRegistrations: boolean
  /** RFC 7517 §5: the public keys, as they are published. */
  readonly publicJwks: readonly Readonly<Record<string, string>>[]
  readonly signingAlgorithms: readonly string[]
  /** Signs whatever no API has a key of its own for. */
  readonly signer: Signer
  /** Every key whose tokens may still be good, the symmetric ones too. */
  readonly verifiers: readonly OwnKey[]
}

let editions = 0

function compileApi(record: TenantRecord['apis'][number], keys: TenantKeys): Api {
  const settings = record.settings as ApiSettings
  return {
    id: record.id,
    audience: record.audience,
    resources: settings.resources ?? [],
    scopes: compileScopes(Object.keys(settings.scopes)),
    tokenFormat: settings.token_format ?? 'jwt',
    accessTokenSeconds: settings.access_token_seconds ?? null,
    senderConstraint: settings.sender_constraint ?? null,
    endpoints: settings.endpoints ?? [],
    signer: keys.apiSigners.get(record.id) ?? keys.tenantSigner,
  }
}

function compilePlan(record: TenantRecord['plans'][number]): Plan {
  const settings = record.settings as PlanSettings
  const scopes = settings.scopes && Object.entries(settings.scopes)
  return {
    id: record.id,
    scopesByApi: scopes ? new Map(scopes.map(([apiId, allowed]) => [apiId, compileScopes(allowed)])) : null,
    accessTokenSeconds: settings.access_token_seconds ?? null,
    limits: settings.limits ?? [],
  }
}

export function compileTenant(record: TenantRecord, keys: TenantKeys): Tenant {
  const settings = record.settings as TenantSettings
  const apis = record.apis.map((api) => compileApi(api, keys))
  const security = compileSecurity(settings)
  return {
    id: record.id,
    edition: ++editions,
    name: record.name,
    environment: record.environment,
    isDisabled: record.disabledAt !== null,
    hosts: record.hosts,
    tokenIssuer: settings.token_issuer ?? null,
    lifetime: {
      defaultSeconds: settings.access_token_seconds ?? defaultLifetime.defaultSeconds,
      minimumSeconds: settings.minimum_access_token_seconds ?? defaultLifetime.minimumSeconds,
      maximumSeconds: settings.maximum_access_token_seconds ?? defaultLifetime.maximumSeconds,
    },
    tokenReuse: settings.token_reuse ?? false,
    outageGraceSeconds: settings.outage_grace_seconds ?? 600,
    dialect: compileDialect(settings.dialect ?? {}),
    formerDialects: compileFormerDialects(record),
    security,
    apis: new Map(apis.map((api) => [api.id, api])),
    apisByAudience: new Map(apis.map((api) => [api.audience, api])),
    apisByTarget: new Map([
      ...apis.flatMap((api) => api.resources.map((resource) => [resource, api] as const)),
      // Last, so that no URL beside another audience takes its place.
      ...apis.map((api) => [api.audience, api] as const),
    ]),
    plans: new Map(record.plans.map((plan) => [plan.id, compilePlan(plan)])),
    exchangesTokens: settings.token_exchange ?? false,
    trustedIssuers: compileTrustedIssuers(settings.trusted_issuers ?? [], security),
    takesRegistrations: record.takesRegistrations,
    publicJwks: keys.publicJwks,
    signer: keys.tenantSigner,
    verifiers: keys.verifiers,
    signingAlgorithms: [...new Set(keys.publicJwks.flatMap((jwk) => jwk.alg ?? []))],
  }
}
