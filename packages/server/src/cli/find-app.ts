/** The app that a command is about, by the name its makers gave it or by its client id. */

import { ConfigRefused } from '../config.ts'
import { type AppRecord, findAppById, findClient } from '../store/apps.ts'
import type { Database } from '../store/database.ts'
import { loadTenant, type TenantRecord } from '../store/tenants.ts'

export interface FoundApp {
  readonly tenant: TenantRecord
  readonly app: AppRecord
}

/** Throws `ConfigRefused` for what does not exist. */
export async function findApp(db: Database, tenantId: string, name: string): Promise<FoundApp> {
  const tenant = await loadTenant(db, tenantId)
  if (tenant === null) throw new ConfigRefused(`There is no tenant ${tenantId}.`)
  const byClientId = await findClient(db, tenantId, name)
  const app = await findAppById(db, tenantId, byClientId?.id ?? name)
  if (app === null) throw new ConfigRefused(`Tenant ${tenantId} has no app ${name}.`)
  return { tenant, app }
}
