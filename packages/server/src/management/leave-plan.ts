/**
 * What an organization may not do by changing plans itself: join one, give its apps the scopes of it, and leave for a plan
 * that sets no scopes, where the apps would keep what nobody has approved or paid for any more.
 */

import type { AppSettings } from '../apps/settings.ts'
import { listApps } from '../store/apps.ts'
import type { WriteTransaction } from '../store/database.ts'
import type { OrganizationRecord } from '../store/organizations.ts'
import type { PlanSettings } from '../tenants/settings.ts'
import { refuseWith } from './problem.ts'

export interface PlanMove {
  readonly tenantId: string
  readonly organization: OrganizationRecord
  /** Null for none. */
  readonly from: PlanSettings | null
  readonly to: PlanSettings
}

/** Throws `conflict` with the first app that would keep something. */
export async function checkLeavingPlan(
  tx: WriteTransaction,
  { tenantId, organization, from, to }: PlanMove,
): Promise<void> {
  // A plan with scopes bounds every token itself, whatever the settings of the apps say.
  if (from?.scopes === undefined || to.scopes !== undefined) return
  const holder = await findHolder(tx, tenantId, organization.id)
  if (holder !== null)
    refuseWith('conflict', {
      detail: `App ${holder} would keep scopes that it has by plan ${organization.planId}. Take them away from the organization’s apps first, or ask the provider’s people.`,
    })
}

const appsAtOnce = 500

async function findHolder(
  tx: WriteTransaction,
  tenantId: string,
  organizationId: string,
): Promise<string | null> {
  let after: string | undefined
  do {
    const apps = await listApps(tx, tenantId, { organizationId, after, limit: appsAtOnce })
    const holder = apps.find(({ settings }) => Object.keys((settings as AppSettings).scopes ?? {}).length > 0)
    if (holder !== undefined) return holder.id
    after = apps.length < appsAtOnce ? undefined : apps.at(-1)?.clientId
  } while (after !== undefined)
  return null
}
