/** How each demo tenant is used: its URLs, and a client that works. */

import type { AppEntry, TenantEntry } from '../blueprint/schema.ts'
import type { Effects } from '../effects.ts'
import type { OpenStore } from '../open-store.ts'
import type { Bundled } from './bundled.ts'
import { ensureDemoCredential } from './demo-credentials.ts'
import type { DemoClient, DemoTenant, KnownSecret, KnownSecrets } from './demo-file.ts'

export interface DemoTenants {
  readonly tenants: Readonly<Record<string, DemoTenant>>
  /** Tenants whose secret had been lost, so that a new one was added beside it. */
  readonly replaced: readonly string[]
  /** Whether any of the secrets stands nowhere else yet. */
  readonly hasNewSecrets: boolean
}

/** The first is the one that the tenant's document describes. */
const customerApps = ({ organizations = [] }: TenantEntry): readonly AppEntry[] =>
  organizations
    .flatMap(({ apps = [] }) => apps)
    .filter(({ credentials = [], introspects = [] }) => credentials.length > 0 && introspects.length === 0)

/** The one that may ask about the tokens of the platform's API. */
const resourceServer = ({ organizations = [] }: TenantEntry): AppEntry | undefined =>
  organizations.flatMap(({ apps = [] }) => apps).find(({ introspects = [] }) => introspects.length > 0)

export async function ensureDemoTenants(
  store: OpenStore,
  effects: Effects,
  { blueprints, generated }: Bundled,
  baseUrl: URL,
  known: ReadonlyMap<string, KnownSecrets>,
): Promise<DemoTenants> {
  const tenants: Record<string, DemoTenant> = {}
  const replaced: string[] = []
  let hasNewSecrets = false
  for (const tenant of blueprints.flatMap(({ file }) => file.tenants)) {
    const [app, ...others] = customerApps(tenant)
    if (!app) continue
    const api = resourceServer(tenant)
    const earlier = known.get(tenant.id)
    const ofApp = clientOf(app, await ensure(tenant, app, earlier?.app))
    const ofApi = api && (await ensure(tenant, api, earlier?.api))
    const apps: Record<string, DemoClient> = { [app.id]: ofApp }
    for (const other of others)
      apps[other.id] = clientOf(other, await ensure(tenant, other, earlier?.apps.get(other.id)))
    tenants[tenant.id] = {
      ...urlsOf(tenant, baseUrl),
      ...ofApp,
      audience: audienceOf(tenant, app),
      apps,
      ...(ofApi && { introspection: introspectionOf(tenant, baseUrl, ofApi) }),
    }
  }
  return { tenants, replaced, hasNewSecrets }

  async function ensure(
    { id: tenantId, environment }: TenantEntry,
    { id: appId }: AppEntry,
    earlier: KnownSecret | undefined,
  ): Promise<KnownSecret> {
    const made = generated.filter((secret) => secret.tenantId === tenantId && secret.appId === appId)
    const candidates = earlier ? [...made, earlier] : made
    const credential = await ensureDemoCredential(
      store,
      effects,
      { tenantId, environment, appId },
      candidates,
    )
    if (credential.isReplacement && !replaced.includes(tenantId)) replaced.push(tenantId)
    hasNewSecrets ||= credential.clientSecret !== earlier?.clientSecret
    return credential
  }
}

/** With the base URL's port, which a URL leaves out when it is HTTPS's own. */
function originOf(baseUrl: URL, host: string): string {
  const url = new URL(baseUrl)
  url.hostname = host
  return url.origin
}

function issuerOf(tenant: TenantEntry, baseUrl: URL): string {
  const [host] = tenant.hosts ?? []
  return host === undefined ? pathIssuerOf(tenant, baseUrl) : originOf(baseUrl, host)
}

const pathIssuerOf = ({ id }: TenantEntry, baseUrl: URL): string => `${baseUrl.origin}/${id}`

const introspectionOf = (tenant: TenantEntry, baseUrl: URL, { clientId, clientSecret }: KnownSecret) => ({
  url: `${issuerOf(tenant, baseUrl)}/oauth2/introspect`,
  path_url: `${pathIssuerOf(tenant, baseUrl)}/oauth2/introspect`,
  client_id: clientId,
  client_secret: clientSecret,
})

const apiIdOf = ({ default_api: api, scopes }: AppEntry): string => api ?? Object.keys(scopes ?? {})[0] ?? ''

const clientOf = (app: AppEntry, { clientId, clientSecret }: KnownSecret): DemoClient => ({
  client_id: clientId,
  client_secret: clientSecret,
  scope: (app.default_scopes ?? app.scopes?.[apiIdOf(app)] ?? []).join(' '),
})

const audienceOf = ({ apis }: TenantEntry, app: AppEntry): string =>
  apis?.find(({ id }) => id === apiIdOf(app))?.audience ?? ''

function urlsOf(tenant: TenantEntry, baseUrl: URL) {
  const pathIssuer = pathIssuerOf(tenant, baseUrl)
  const issuer = issuerOf(tenant, baseUrl)
  return {
    issuer,
    token_url: `${issuer}${tenant.dialect?.request?.token_path ?? '/oauth2/token'}`,
    path_token_url: `${pathIssuer}/oauth2/token`,
    token_issuer: tenant.token_issuer ?? issuer,
    jwks_uri: `${issuer}/oauth2/jwks`,
    path_jwks_uri: `${pathIssuer}/oauth2/jwks`,
  }
}
