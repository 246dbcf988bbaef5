/** Which endpoints of an API the scopes of a token open, and which scope it lacks for the others. */

import { createScopeSet } from '@sallyport/protocol'
import type { AppSettings } from '../apps/settings.ts'
import type { AppRecord } from '../store/apps.ts'
import type { OrganizationRecord } from '../store/organizations.ts'
import type { TenantRecord } from '../store/tenants.ts'
import { isOutsidePlan } from '../tenants/plan-scopes.ts'
import type { ApiSettings, PlanSettings } from '../tenants/settings.ts'

export interface EndpointReport {
  readonly apiId: string
  readonly method: string
  readonly path: string
  /** What it needs. */
  readonly scope: string
  readonly isOpen: boolean
  /** The plan that bars the scope, where the app is granted it. */
  readonly outsidePlan?: string
}

/** Says nothing of whether the token is good. */
export function endpointsOf(
  { apis, plans }: Pick<TenantRecord, 'apis' | 'plans'>,
  { apiId, scopes }: { readonly apiId: string | null; readonly scopes: readonly string[] },
  { app, organization }: { readonly app: AppRecord | null; readonly organization: OrganizationRecord | null },
): readonly EndpointReport[] {
  const held = createScopeSet(scopes)
  const { scopes: granted = {} } = (app?.settings ?? {}) as AppSettings
  const plan = plans.find(({ id }) => id === organization?.planId)
  const whyClosed = (id: string, scope: string) =>
    plan !== undefined && isOutsidePlan(scope, id, granted, plan.settings as PlanSettings)
      ? { outsidePlan: plan.id }
      : {}
  return apis
    .filter(({ id }) => apiId === null || id === apiId)
    .flatMap(({ id, settings }) =>
      ((settings as ApiSettings).endpoints ?? []).map(({ method, path, scope }) => ({
        ...{ apiId: id, method, path, scope },
        ...(held.covers(scope) ? { isOpen: true } : { isOpen: false, ...whyClosed(id, scope) }),
      })),
    )
}
