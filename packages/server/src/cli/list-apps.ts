/** The apps of one tenant or of all, so many and no more, each with what it can prove itself with. */

import { standingOf } from '../apps/secrets.ts'
import { ConfigRefused } from '../config.ts'
import { type AppRecord, listApps } from '../store/apps.ts'
import { type CredentialRecord, listCredentialsOf } from '../store/credentials.ts'
import type { Database } from '../store/database.ts'
import { selectOrganization } from '../store/organizations.ts'
import { listTenantIds, selectTenant, type TenantRow } from '../store/tenants.ts'

/** The store may hold a million, and nobody reads more than this at once. */
export const largestAppList = 1000

export interface AppPage {
  readonly tenant?: string
  readonly organization?: string
  readonly after?: string
  readonly limit: number
  readonly now: number
}

/** As it is printed. */
export interface ListedApp {
  readonly tenant: string
  readonly id: string
  readonly client_id: string
  readonly name: string
  readonly organization: string
  /** Whether it gets tokens, or what of it is disabled. */
  readonly state: 'good' | 'disabled' | 'organization disabled' | 'tenant disabled'
  readonly credentials: number
  readonly good_credentials: number
  /** Of the good ones. */
  readonly next_expiry: number | null
  readonly last_used_at: number | null
  readonly blueprint: string | null
  readonly created_at: number
}

/** Throws `ConfigRefused` for what does not exist. */
export async function listAppsOf(
  db: Database,
  page: AppPage,
): Promise<{ readonly apps: readonly ListedApp[]; readonly hasMore: boolean }> {
  const listed: ListedApp[] = []
  for (const tenantId of await tenantIdsOf(db, page)) {
    // One more than asked for tells whether there are more.
    listed.push(...(await appsOf(db, tenantId, { ...page, limit: page.limit + 1 - listed.length })))
    if (listed.length > page.limit) break
  }
  return { apps: listed.slice(0, page.limit), hasMore: listed.length > page.limit }
}

async function tenantIdsOf(
  db: Database,
  { tenant, organization, after }: AppPage,
): Promise<readonly string[]> {
  if (tenant !== undefined) return [tenant]
  const [flag] = Object.entries({ organization, after }).find(([, value]) => value !== undefined) ?? []
  if (flag !== undefined) throw new ConfigRefused(`--${flag} needs --tenant.`)
  return listTenantIds(db)
}

async function appsOf(db: Database, tenantId: string, page: AppPage): Promise<readonly ListedApp[]> {
  const { organization: organizationId, after, limit, now } = page
  const tenant = await selectTenant(db.kysely, tenantId)
  if (tenant === null) throw new ConfigRefused(`There is no tenant ${tenantId}.`)
  if (organizationId !== undefined && (await selectOrganization(db, tenantId, organizationId)) === null)
    throw new ConfigRefused(`Tenant ${tenantId} has no organization ${organizationId}.`)
  const apps = await listApps(db, tenantId, { after, limit, organizationId })
  const names = apps.map(({ clientId }) => clientId)
  const credentials = Map.groupBy(await listCredentialsOf(db, tenantId, names), ({ clientId }) => clientId)
  const disabled = await disabledAmong(db, tenantId, new Set(apps.map((app) => app.organizationId)))
  return apps.map((app) => ({
    ...shown(tenantId, app),
    state: stateOf(app, tenant, disabled),
    ...worthOf(credentials.get(app.clientId) ?? [], now),
  }))
}

const shown = (tenant: string, app: AppRecord) => ({
  ...{ tenant, id: app.id, client_id: app.clientId, name: app.name, organization: app.organizationId },
  ...{ blueprint: app.blueprint, created_at: app.createdAt },
})

async function disabledAmong(
  db: Database,
  tenantId: string,
  organizationIds: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const disabled = new Set<string>()
  for (const id of organizationIds) {
    const organization = await selectOrganization(db, tenantId, id)
    if (organization?.disabledAt != null) disabled.add(id)
  }
  return disabled
}

function stateOf(
  { disabledAt, organizationId }: AppRecord,
  tenant: TenantRow,
  disabledOrganizations: ReadonlySet<string>,
): ListedApp['state'] {
  if (disabledAt !== null) return 'disabled'
  if (disabledOrganizations.has(organizationId)) return 'organization disabled'
  return tenant.disabledAt === null ? 'good' : 'tenant disabled'
}

function worthOf(credentials: readonly CredentialRecord[], now: number) {
  const good = credentials.filter((credential) => standingOf(credential, now) === 'good')
  const isInstant = (instant: number | null): instant is number => instant !== null
  const ends = good.map(({ expiresAt }) => expiresAt).filter(isInstant)
  const uses = credentials.map(({ lastUsedAt }) => lastUsedAt).filter(isInstant)
  return {
    credentials: credentials.length,
    good_credentials: good.length,
    next_expiry: ends.length === 0 ? null : Math.min(...ends),
    last_used_at: uses.length === 0 ? null : Math.max(...uses),
  }
}
