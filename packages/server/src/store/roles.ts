/** Roles that a tenant has made for itself. */

import type { Kysely } from 'kysely'
import type { WriteTransaction } from './database.ts'
import { readJson, writeJson } from './json.ts'
import type { RolesTable, Schema } from './schema.ts'

type From = { readonly kysely: Kysely<Schema> }

export interface RoleRecord {
  readonly id: string
  readonly name: string
  readonly permissions: readonly string[]
  readonly createdAt: number
  readonly updatedAt: number
}

const toRole = (row: RolesTable): RoleRecord => ({
  id: row.id,
  name: row.name,
  permissions: readJson(row.permissions) as string[],
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

/** In order of id; without `ids` all of the tenant's. */
export async function findRoles(
  { kysely }: From,
  tenantId: string,
  ids?: readonly string[],
): Promise<RoleRecord[]> {
  // PostgreSQL has no empty list.
  if (ids?.length === 0) return []
  let query = kysely.selectFrom('roles').selectAll().where('tenant_id', '=', tenantId).orderBy('id')
  if (ids !== undefined) query = query.where('id', 'in', ids)
  return (await query.execute()).map(toRole)
}

export async function saveRole(
  tx: WriteTransaction,
  tenantId: string,
  { id, name, permissions }: Pick<RoleRecord, 'id' | 'name' | 'permissions'>,
): Promise<void> {
  const row = { name, permissions: writeJson(permissions), updated_at: tx.now }
  await tx.kysely
    .insertInto('roles')
    .values({ ...row, tenant_id: tenantId, id, created_at: tx.now })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'id']).doUpdateSet(row))
    .execute()
}

/** Only where nobody has it: another of its name would be theirs at once. */
export async function removeRole(tx: WriteTransaction, tenantId: string, id: string): Promise<void> {
  await tx.kysely.deleteFrom('roles').where('tenant_id', '=', tenantId).where('id', '=', id).execute()
}
