/** An app's settings, compiled: what it may do at the token endpoint. Many apps share one text, so it is compiled once. */

import { createScopeSet, type ScopeSet } from '@sallyport/protocol'
import { RecentMap } from '../store/read-through.ts'
import type { AppSettings, ClientAuthenticationMethod } from './settings.ts'

/** The scopes held on one API: as granted, and as a set that answers for wildcards too. */
export interface GrantedScopes {
  readonly granted: readonly string[]
  readonly set: ScopeSet
}

export interface CompiledAppSettings {
  readonly grantTypes: ReadonlySet<string>
  readonly authenticationMethods: ReadonlySet<string>
  readonly scopesByApi: ReadonlyMap<string, GrantedScopes>
  readonly defaultApi: string | null
  readonly defaultScopes: readonly string[] | null
  readonly accessTokenSeconds: number | null
  readonly tokenReuse: boolean | null
  readonly tokenType: 'Bearer' | 'bearer' | null
  readonly standardOnly: boolean
  readonly attributes: Readonly<Record<string, unknown>>
}

// Every secret method is open to an app that names none; a public client is so only by name (RFC 6749 §2.1).
const defaultMethods: readonly ClientAuthenticationMethod[] = ['client_secret_basic', 'client_secret_post']

export const compileScopes = (granted: readonly string[]): GrantedScopes => ({
  granted,
  set: createScopeSet(granted),
})

function compile(settings: AppSettings): CompiledAppSettings {
  const scopes = Object.entries(settings.scopes ?? {})
  return {
    grantTypes: new Set(settings.grant_types ?? ['client_credentials']),
    authenticationMethods: new Set(settings.client_authentication ?? defaultMethods),
    scopesByApi: new Map(scopes.map(([apiId, granted]) => [apiId, compileScopes(granted)])),
    defaultApi: settings.default_api ?? null,
    defaultScopes: settings.default_scopes ?? null,
    accessTokenSeconds: settings.access_token_seconds ?? null,
    tokenReuse: settings.token_reuse ?? null,
    tokenType: settings.token_type ?? null,
    standardOnly: settings.dialect === 'standard',
    attributes: settings.attributes ?? {},
  }
}

const compiled = new RecentMap<CompiledAppSettings>(2_000)

/** From the stored text. The store holds only what the schema has let in, so nothing is checked again. */
export function compileAppSettings(text: string): CompiledAppSettings {
  const known = compiled.get(text)
  if (known) return known
  const settings = compile(JSON.parse(text) as AppSettings)
  compiled.set(text, settings)
  return settings
}
