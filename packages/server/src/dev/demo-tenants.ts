/** How each demo tenant is used: its URLs, and a client that works. */

import type { AppEntry, TenantEntry } from '../blueprint/schema.ts'
import type { Effects } from '../effects.ts'
import type { OpenStore } from '../open-store.ts'
import type { Bundled } from './bundled.ts'
import { ensureDemoCredential } from './demo-credentials.ts'
import type { DemoTenant, KnownSecret } from './demo-file.ts'

export interface DemoTenants {
  readonly tenants: Readonly<Record<string, DemoTenant>>
  /** Tenants whose secret had been lost, so that a new one was added beside it. */
  readonly replaced: readonly string[]
  /** Whether any of the secrets stands nowhere else yet. */
  readonly hasNewSecrets: boolean
}

/** The first app of a tenant is the one that its document describes. */
function firstApp({ organizations = [] }: TenantEntry): AppEntry | undefined {
  return organizations.flatMap(({ apps = [] }) => apps).find(({ credentials = [] }) => credentials.length > 0)
}

export async function ensureDemoTenants(
  store: OpenStore,
  effects: Effects,
  { blueprints, generated }: Bundled,
  baseUrl: URL,
  known: ReadonlyMap<string, KnownSecret>,
): Promise<DemoTenants> {
  const tenants: Record<string, DemoTenant> = {}
  const replaced: string[] = []
  let hasNewSecrets = false
  for (const tenant of blueprints.flatMap(({ file }) => file.tenants)) {
    const app = firstApp(tenant)
    if (!app) continue
    const candidates = generated.filter(({ tenantId, appId }) => tenantId === tenant.id && appId === app.id)
    const earlier = known.get(tenant.id)
    const { id: tenantId, environment } = tenant
    const demoApp = { tenantId, environment, appId: app.id }
    const all = earlier ? [...candidates, earlier] : candidates
    const credential = await ensureDemoCredential(store, effects, demoApp, all)
    if (credential.isReplacement) replaced.push(tenantId)
    hasNewSecrets ||= credential.clientSecret !== earlier?.clientSecret
    tenants[tenantId] = describe(tenant, app, baseUrl, credential)
  }
  return { tenants, replaced, hasNewSecrets }
}

/** With the base URL's port, which a URL leaves out when it is HTTPS's own. */
function originOf(baseUrl: URL, host: string): string {
  const url = new URL(baseUrl)
  url.hostname = host
  return url.origin
}

function describe(tenant: TenantEntry, app: AppEntry, baseUrl: URL, secret: KnownSecret): DemoTenant {
  const pathIssuer = `${baseUrl.origin}/${tenant.id}`
  const [host] = tenant.hosts ?? []
  const issuer = host === undefined ? pathIssuer : originOf(baseUrl, host)
  const apiId = app.default_api ?? Object.keys(app.scopes ?? {})[0]
  const scopes = app.default_scopes ?? app.scopes?.[apiId ?? ''] ?? []
  return {
    issuer,
    token_url: `${issuer}${tenant.dialect?.request?.token_path ?? '/oauth2/token'}`,
    path_token_url: `${pathIssuer}/oauth2/token`,
    token_issuer: tenant.token_issuer ?? issuer,
    jwks_uri: `${issuer}/oauth2/jwks`,
    client_id: secret.clientId,
    client_secret: secret.clientSecret,
    scope: scopes.join(' '),
    audience: tenant.apis?.find(({ id }) => id === apiId)?.audience ?? '',
  }
}
