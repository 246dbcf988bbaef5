/** A store, or some of its tenants, as the text of one blueprint. */

import { readMadeBy, readTenants } from '../store/blueprint-rows.ts'
import type { Database } from '../store/database.ts'
import { listRegistered } from '../store/registrations.ts'
import { reservedTenantIds } from './check-tenant.ts'
import { exportRows } from './export.ts'
import { formatBlueprint } from './format-blueprint.ts'
import { type StoredRow, storedRows } from './rows.ts'
import { unsaid } from './unsaid.ts'

export interface ExportOptions {
  /** Null for all that a blueprint may declare. */
  readonly tenantIds: readonly string[] | null
  /** The blueprint's name; left out, the one that has made the tenants. */
  readonly blueprint?: string | undefined
}

export type ExportedStore =
  | { readonly text: string; readonly missing?: undefined; readonly reserved?: undefined }
  /** Of the tenants named: those that are not there, and those that no blueprint may declare. */
  | { readonly text?: undefined; readonly missing: readonly string[]; readonly reserved: readonly string[] }

export async function exportStore(
  db: Pick<Database, 'kysely'>,
  { tenantIds, blueprint }: ExportOptions,
): Promise<ExportedStore> {
  const tenants = await readTenants(db, tenantIds)
  const found = tenants.map(({ tenant }) => tenant.id)
  const reserved = found.filter((id) => reservedTenantIds.has(id))
  const missing = (tenantIds ?? []).filter((id) => !found.includes(id))
  if (missing.length > 0 || (tenantIds !== null && reserved.length > 0)) return { missing, reserved }
  const rows = tenants.flatMap(storedRows).filter(({ tenantId }) => !reserved.includes(tenantId))
  const file = exportRows(blueprint ?? nameFor(rows), rows)
  const made = await readMadeBy(db, file.blueprint)
  const others = made.filter((id) => !found.includes(id)).toSorted()
  const registered = await registeredRows(db, rows)
  const text = formatBlueprint(file, unsaid({ ...{ file, rows, registered, others }, leftOut: reserved }))
  return { text }
}

async function registeredRows(
  db: Pick<Database, 'kysely'>,
  rows: readonly StoredRow[],
): Promise<readonly StoredRow[]> {
  const key = (tenantId: string, clientId: string) => `${tenantId} ${clientId}`
  const registered = new Set((await listRegistered(db)).map((one) => key(one.tenantId, one.clientId)))
  return rows.filter((row) => row.noun === 'app' && registered.has(key(row.tenantId, row.clientId)))
}

export interface ExportedBlueprint {
  readonly name: string
  readonly tenantIds: readonly string[]
}

/** By which blueprints all tenants can be exported so that each can be applied where it comes from. */
export async function listExports(db: Pick<Database, 'kysely'>): Promise<readonly ExportedBlueprint[]> {
  const tenants = (await readTenants(db, null)).filter(({ tenant }) => !reservedTenantIds.has(tenant.id))
  const named = Map.groupBy(tenants, (tenant) => nameFor(storedRows(tenant)))
  return [...named].map(([name, group]) => ({ name, tenantIds: group.map(({ tenant }) => tenant.id) }))
}

/** With the name of their only maker it can be applied where it comes from. */
function nameFor(rows: readonly StoredRow[]): string {
  const tenants = rows.filter(({ noun }) => noun === 'tenant')
  const [owner, ...others] = new Set(tenants.flatMap((tenant) => tenant.owner ?? []))
  if (owner !== undefined && others.length === 0) return owner
  const [only, ...more] = tenants
  return only !== undefined && more.length === 0 ? only.tenantId : 'exported'
}
