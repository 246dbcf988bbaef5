/** Everything a tenant declares, read as one moment: what a blueprint is compared with. */

import type { Kysely } from 'kysely'
import { type AppRecord, listApps } from './apps.ts'
import { type CredentialRecord, listCredentials } from './credentials.ts'
import { readSnapshot } from './database.ts'
import { type OrganizationRecord, selectOrganizations } from './organizations.ts'
import type { Schema } from './schema.ts'
import {
  type ApiRecord,
  type PlanRecord,
  selectTenant,
  selectTenantParts,
  type TenantRow,
} from './tenants.ts'

export interface TenantRows {
  readonly tenant: TenantRow
  readonly hosts: readonly string[]
  readonly apis: readonly ApiRecord[]
  readonly plans: readonly PlanRecord[]
  readonly organizations: readonly OrganizationRecord[]
  readonly apps: readonly AppRecord[]
  readonly credentials: readonly CredentialRecord[]
}

/** Of a database, or inside a transaction, where it sees what the transaction has written. */
export function readTenantRows(
  from: { readonly kysely: Kysely<Schema> },
  tenantId: string,
): Promise<TenantRows | null> {
  return readSnapshot(from, async (kysely) => {
    const tenant = await selectTenant(kysely, tenantId)
    if (!tenant) return null
    return {
      tenant,
      ...(await selectTenantParts(kysely, tenantId)),
      organizations: await selectOrganizations(kysely, tenantId),
      apps: await listApps({ kysely }, tenantId),
      credentials: await listCredentials({ kysely }, tenantId),
    }
  })
}
