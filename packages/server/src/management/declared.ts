/**
 * What the API writes must hold together as a blueprint must: a tenant as it stands is put together as an entry of one, with
 * the new piece in its place, and goes through the same checks.
 */

import { checkTenant } from '../blueprint/check-tenant.ts'
import type { Path } from '../blueprint/problem.ts'
import type { AppEntry, OrganizationEntry, TenantEntry } from '../blueprint/schema.ts'
import { selectTenant, selectTenantParts } from '../store/tenants.ts'
import type { From } from './operation.ts'
import { type Misfit, refuseWith } from './problem.ts'
import { pointerOf } from './read-input.ts'

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

/** Throws `invalid_body` with whatever is wrong at `place` or below it, told as pointers into the body. */
export function checkDeclared(tenant: TenantEntry, place: Path): void {
  const misfits: Misfit[] = []
  checkTenant(tenant, [], (path, found, expected) => {
    if (place.every((step, index) => path[index] === step))
      misfits.push({ pointer: pointerOf(path.slice(place.length)), found, expected })
  })
  if (misfits.length > 0) refuseWith('invalid_body', { misfits })
}

export function checkApp(tenant: TenantEntry, app: AppEntry): void {
  const organization = { id: 'of-the-app', name: 'Of the app', apps: [app] }
  checkDeclared({ ...tenant, organizations: [organization] }, ['organizations', 0, 'apps', 0])
}

export function checkOrganization(tenant: TenantEntry, organization: OrganizationEntry): void {
  checkDeclared({ ...tenant, organizations: [organization] }, ['organizations', 0])
}
