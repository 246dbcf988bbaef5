/** The plan that an organization is on. */

import type { Organization } from '../../tenants/organization.ts'
import type { Plan, Tenant } from '../../tenants/tenant.ts'

export const planOf = ({ plans }: Tenant, { planId }: Organization): Plan | null =>
  planId === null ? null : (plans.get(planId) ?? null)
