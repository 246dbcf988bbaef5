/** The plans of a tenant, one by one; every write is a change of the tenant. */

import type { Kysely } from 'kysely'
import type { WriteTransaction } from './database.ts'
import { type JsonObject, readJson, writeJson } from './json.ts'
import type { PlansTable, Schema } from './schema.ts'
import { appendTenant, type PlanRecord } from './tenants.ts'

/** As its people see it. */
export interface PlanRow extends PlanRecord {
  readonly createdAt: number
  readonly updatedAt: number
}

type From = { readonly kysely: Kysely<Schema> }

interface Page {
  /** The id after which to begin. */
  readonly after?: string | undefined
  readonly limit: number
}

const toPlanRow = (row: PlansTable): PlanRow => ({
  id: row.id,
  settings: readJson(row.settings),
  blueprint: row.blueprint,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

export async function findPlan({ kysely }: From, tenantId: string, planId: string): Promise<PlanRow | null> {
  const query = kysely.selectFrom('plans').selectAll().where('tenant_id', '=', tenantId)
  const row = await query.where('id', '=', planId).executeTakeFirst()
  return row ? toPlanRow(row) : null
}

/** In order of id. */
export async function pageOfPlans(
  { kysely }: From,
  tenantId: string,
  { after, limit }: Page,
): Promise<PlanRow[]> {
  const query = kysely.selectFrom('plans').selectAll().where('tenant_id', '=', tenantId)
  const page = query.orderBy('id').limit(limit)
  return (await (after === undefined ? page : page.where('id', '>', after)).execute()).map(toPlanRow)
}

export interface NewPlan {
  readonly id: string
  readonly settings: JsonObject
  readonly blueprint?: string | null
}

export async function savePlan(tx: WriteTransaction, tenantId: string, plan: NewPlan): Promise<void> {
  const row = { settings: writeJson(plan.settings), blueprint: plan.blueprint ?? null, updated_at: tx.now }
  await tx.kysely
    .insertInto('plans')
    .values({ ...row, tenant_id: tenantId, id: plan.id, created_at: tx.now })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'id']).doUpdateSet(row))
    .execute()
  appendTenant(tx, tenantId)
}

/** Throws `StoreConflict` while an organization subscribes to it. */
export async function removePlan(tx: WriteTransaction, tenantId: string, planId: string): Promise<void> {
  await tx.kysely.deleteFrom('plans').where('tenant_id', '=', tenantId).where('id', '=', planId).execute()
  appendTenant(tx, tenantId)
}
