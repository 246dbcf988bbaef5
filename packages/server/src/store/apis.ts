/** The APIs of a tenant, one by one; every write is a change of the tenant. */

import type { Kysely } from 'kysely'
import type { WriteTransaction } from './database.ts'
import { type JsonObject, readJson, writeJson } from './json.ts'
import type { ApisTable, Schema } from './schema.ts'
import { type ApiRecord, appendTenant } from './tenants.ts'

/** As its people see it. */
export interface ApiRow extends ApiRecord {
  readonly createdAt: number
  readonly updatedAt: number
}

type From = { readonly kysely: Kysely<Schema> }

interface Page {
  /** The id after which to begin. */
  readonly after?: string | undefined
  readonly limit: number
}

const toApiRow = (row: ApisTable): ApiRow => ({
  id: row.id,
  audience: row.audience,
  settings: readJson(row.settings),
  blueprint: row.blueprint,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

export async function findApi({ kysely }: From, tenantId: string, apiId: string): Promise<ApiRow | null> {
  const query = kysely.selectFrom('apis').selectAll().where('tenant_id', '=', tenantId)
  const row = await query.where('id', '=', apiId).executeTakeFirst()
  return row ? toApiRow(row) : null
}

/** In order of id. */
export async function pageOfApis(
  { kysely }: From,
  tenantId: string,
  { after, limit }: Page,
): Promise<ApiRow[]> {
  const query = kysely.selectFrom('apis').selectAll().where('tenant_id', '=', tenantId)
  const page = query.orderBy('id').limit(limit)
  return (await (after === undefined ? page : page.where('id', '>', after)).execute()).map(toApiRow)
}

export interface NewApi {
  readonly id: string
  readonly audience: string
  readonly settings: JsonObject
  readonly blueprint?: string | null
}

/** Throws `StoreConflict` for an audience that another API of the tenant has. */
export async function saveApi(tx: WriteTransaction, tenantId: string, api: NewApi): Promise<void> {
  const row = {
    audience: api.audience,
    settings: writeJson(api.settings),
    blueprint: api.blueprint ?? null,
    updated_at: tx.now,
  }
  await tx.kysely
    .insertInto('apis')
    .values({ ...row, tenant_id: tenantId, id: api.id, created_at: tx.now })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'id']).doUpdateSet(row))
    .execute()
  appendTenant(tx, tenantId)
}

/** Leaves its symmetric key: an API that comes back can still verify the tokens it has out. */
export async function removeApi(tx: WriteTransaction, tenantId: string, apiId: string): Promise<void> {
  await tx.kysely.deleteFrom('apis').where('tenant_id', '=', tenantId).where('id', '=', apiId).execute()
  appendTenant(tx, tenantId)
}
