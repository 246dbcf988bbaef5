/**
 * What the API writes must hold together as a blueprint must: a tenant as it stands is put together as an entry of one, with
 * the new piece in its place, and goes through the same checks.
 */

import { checkTenant } from '../blueprint/check-tenant.ts'
import type { Path } from '../blueprint/problem.ts'
import type { AppEntry, CredentialEntry, OrganizationEntry, TenantEntry } from '../blueprint/schema.ts'
import { findAppById } from '../store/apps.ts'
import { selectTenant, selectTenantParts } from '../store/tenants.ts'
import type { From } from './operation.ts'
import { refuseWith } from './problem.ts'
import { collectMisfits } from './read-input.ts'

/** Without its organizations, of which there may be a million apps. Null where there is no such tenant. */
export async function tenantEntry({ kysely }: From, tenantId: string): Promise<TenantEntry | null> {
  const tenant = await selectTenant(kysely, tenantId)
  if (tenant === null) return null
  const { hosts, apis, plans } = await selectTenantParts(kysely, tenantId)
  return {
    ...(tenant.settings as object),
    ...{ id: tenant.id, name: tenant.name, environment: tenant.environment, hosts: [...hosts] },
    apis: apis.map(({ id, audience, settings }) => ({ ...(settings as object), id, audience })),
    plans: plans.map(({ id, settings }) => ({ ...(settings as object), id })),
  } as TenantEntry
}

/** With those of its apps that are named: the checks look for them by id. */
export async function tenantEntryWithApps(
  from: From,
  tenantId: string,
  appIds: readonly string[],
): Promise<TenantEntry | null> {
  const entry = await tenantEntry(from, tenantId)
  if (entry === null) return null
  const apps: AppEntry[] = []
  for (const id of new Set(appIds)) {
    const app = id === '*' ? null : await findAppById(from, tenantId, id)
    if (app !== null) apps.push({ ...(app.settings as object), id: app.id, name: app.name })
  }
  return { ...entry, organizations: [{ id: 'of-the-apps', name: 'Of the apps', apps }] }
}

/** Throws `invalid_body` with whatever is wrong at `place` or below it, told as pointers into the body. */
export function checkDeclared(tenant: TenantEntry, place: Path): void {
  const misfits = collectMisfits(
    (report) => checkTenant(tenant, [], report, { credentialsMayFollow: true }),
    place,
  )
  if (misfits.length > 0) refuseWith('invalid_body', { misfits })
}

/** Beside the apps that it names, which `tenantEntryWithApps` has put there. */
const withApp = ({ organizations = [], ...tenant }: TenantEntry, app: AppEntry): TenantEntry => ({
  ...tenant,
  organizations: [{ id: 'of-the-app', name: 'Of the app', apps: [app] }, ...organizations],
})
const placeOfApp = ['organizations', 0, 'apps', 0] as const

export const checkApp = (tenant: TenantEntry, app: AppEntry): void =>
  checkDeclared(withApp(tenant, app), placeOfApp)

/** One more credential of an app, whose others are checked where they are stored. */
export const checkCredential = (tenant: TenantEntry, app: AppEntry, entry: CredentialEntry): void =>
  checkDeclared(withApp(tenant, { ...app, credentials: [entry] }), [...placeOfApp, 'credentials', 0])

export function checkOrganization(tenant: TenantEntry, organization: OrganizationEntry): void {
  checkDeclared({ ...tenant, organizations: [organization] }, ['organizations', 0])
}
