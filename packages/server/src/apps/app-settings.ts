/** An app's settings, compiled: what it may do at the token endpoint. Many apps share one text, so it is compiled once. */

import { createScopeSet, RecentMap, type ScopeSet } from '@sallyport/protocol'
import type { SenderConstraint } from '../tenants/security-settings.ts'
import type { PlacedLimit } from '../tenants/settings.ts'
import { defaultAuthenticationMethods } from './authentication-methods.ts'
import type { AppSettings, TokenExchangePolicy } from './settings.ts'

/** The scopes held on one API: as granted, and as a set that answers for wildcards too. */
export interface GrantedScopes {
  readonly granted: readonly string[]
  readonly set: ScopeSet
}

/** RFC 8693: whose tokens an app may bring, for which other APIs, and how the tokens it gets speak. */
export interface ExchangePolicy {
  readonly subjects: NamedApps
  readonly targets: ReadonlySet<string>
  readonly isDelegation: boolean
  readonly actors: NamedApps
}

export interface CompiledAppSettings {
  readonly grantTypes: ReadonlySet<string>
  readonly authenticationMethods: ReadonlySet<string>
  readonly scopesByApi: ReadonlyMap<string, GrantedScopes>
  /** The APIs whose resource server it is. */
  readonly introspects: ReadonlySet<string>
  readonly defaultApi: string | null
  readonly defaultScopes: readonly string[] | null
  readonly accessTokenSeconds: number | null
  readonly tokenReuse: boolean | null
  readonly tokenType: 'Bearer' | 'bearer' | null
  readonly standardOnly: boolean
  /** Null where it may use all that the tenant allows. */
  readonly assertionAlgorithms: ReadonlySet<string> | null
  readonly senderConstraint: SenderConstraint | null
  /** Null where it may exchange nothing. */
  readonly tokenExchange: ExchangePolicy | null
  readonly limits: readonly PlacedLimit[]
  readonly attributes: Readonly<Record<string, unknown>>
}

/** App ids as settings list them; `*` is every app of the tenant. */
export interface NamedApps {
  has(appId: string): boolean
}

export const namedApps = (ids: readonly string[]): NamedApps =>
  ids.includes('*') ? { has: () => true } : new Set(ids)

export const compileScopes = (granted: readonly string[]): GrantedScopes => ({
  granted,
  set: createScopeSet(granted),
})

function compile(settings: AppSettings): CompiledAppSettings {
  const scopes = Object.entries(settings.scopes ?? {})
  return {
    grantTypes: new Set(settings.grant_types ?? ['client_credentials']),
    authenticationMethods: new Set(settings.client_authentication ?? defaultAuthenticationMethods),
    scopesByApi: new Map(scopes.map(([apiId, granted]) => [apiId, compileScopes(granted)])),
    introspects: new Set(settings.introspects ?? []),
    defaultApi: settings.default_api ?? null,
    defaultScopes: settings.default_scopes ?? null,
    accessTokenSeconds: settings.access_token_seconds ?? null,
    tokenReuse: settings.token_reuse ?? null,
    tokenType: settings.token_type ?? null,
    standardOnly: settings.dialect === 'standard',
    assertionAlgorithms: settings.assertion_algorithms ? new Set(settings.assertion_algorithms) : null,
    senderConstraint: settings.sender_constraint ?? null,
    tokenExchange: settings.token_exchange ? compilePolicy(settings.token_exchange) : null,
    limits: settings.limits ?? [],
    attributes: settings.attributes ?? {},
  }
}

const compilePolicy = ({ subjects, targets, mode, actors }: TokenExchangePolicy): ExchangePolicy => ({
  subjects: namedApps(subjects ?? []),
  targets: new Set(targets),
  isDelegation: mode !== 'impersonation',
  actors: namedApps(actors ?? []),
})

const compiled = new RecentMap<CompiledAppSettings>(2_000)

/** From the stored text. The store holds only what the schema has let in, so nothing is checked again. */
export function compileAppSettings(text: string): CompiledAppSettings {
  const known = compiled.get(text)
  if (known) return known
  const settings = compile(JSON.parse(text) as AppSettings)
  compiled.set(text, settings)
  return settings
}
