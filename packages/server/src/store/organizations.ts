/** Organizations, the customers of a tenant; an organization goes with all its apps. */

import type { Kysely } from 'kysely'
import type { Database, WriteTransaction } from './database.ts'
import { type JsonObject, readJson, writeJson } from './json.ts'
import { prepareRead } from './prepared.ts'
import { removeRegistrationTokens } from './registration-tokens.ts'
import { cutOff } from './revocations.ts'
import type { Schema } from './schema.ts'

export interface OrganizationRecord {
  readonly id: string
  readonly name: string
  readonly planId: string | null
  readonly settings: unknown
  readonly disabledAt: number | null
  readonly blueprint: string | null
  readonly createdAt: number
  readonly updatedAt: number
}

type OrganizationRow = [
  id: string,
  name: string,
  planId: string | null,
  settings: string,
  disabledAt: number | null,
  blueprint: string | null,
  createdAt: number,
  updatedAt: number,
]

const identity = ['id', 'name', 'plan_id', 'settings'] as const
const columns = [...identity, 'disabled_at', 'blueprint', 'created_at', 'updated_at'] as const

const organizationById = prepareRead<OrganizationRow>((db, param) =>
  db
    .selectFrom('organizations')
    .select(columns)
    .where('tenant_id', '=', param.text)
    .where('id', '=', param.text)
    .compile(),
)

/** At once on SQLite, a promise on PostgreSQL. */
export function findOrganization(
  db: Database,
  tenantId: string,
  id: string,
): OrganizationRecord | null | Promise<OrganizationRecord | null> {
  const rows = db.read(organizationById, [tenantId, id])
  return Array.isArray(rows) ? firstOrganization(rows) : rows.then(firstOrganization)
}

function firstOrganization([row]: readonly OrganizationRow[]): OrganizationRecord | null {
  if (!row) return null
  const [id, name, planId, settings, disabledAt, blueprint, createdAt, updatedAt] = row
  return { id, name, planId, settings: readJson(settings), disabledAt, blueprint, createdAt, updatedAt }
}

export async function selectOrganizations(
  kysely: Kysely<Schema>,
  tenantId: string,
): Promise<OrganizationRecord[]> {
  return (await ofTenant(kysely, tenantId).execute()).map(toOrganization)
}

const ofTenant = (kysely: Kysely<Schema>, tenantId: string) =>
  kysely.selectFrom('organizations').select(columns).where('tenant_id', '=', tenantId).orderBy('id')

type SelectedOrganization = Awaited<ReturnType<ReturnType<typeof ofTenant>['executeTakeFirstOrThrow']>>

const toOrganization = (row: SelectedOrganization): OrganizationRecord => ({
  id: row.id,
  name: row.name,
  planId: row.plan_id,
  settings: readJson(row.settings),
  disabledAt: row.disabled_at,
  blueprint: row.blueprint,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

/** In order of id, from the one after `after` on. */
export async function pageOfOrganizations(
  { kysely }: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<OrganizationRecord[]> {
  const query = ofTenant(kysely, tenantId).limit(limit)
  return (await (after === undefined ? query : query.where('id', '>', after)).execute()).map(toOrganization)
}

export async function selectOrganization(
  { kysely }: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  id: string,
): Promise<OrganizationRecord | null> {
  const row = await ofTenant(kysely, tenantId).where('id', '=', id).executeTakeFirst()
  return row ? toOrganization(row) : null
}

export interface NewOrganization {
  readonly id: string
  readonly name: string
  readonly planId?: string | null
  readonly settings: JsonObject
  /** Left out, it stays as it is. */
  readonly disabledAt?: number | null
  readonly blueprint?: string | null
}

/** Throws `StoreConflict` for a plan that the tenant does not have. Disabled, the tokens of its apps die. */
export async function saveOrganization(
  tx: WriteTransaction,
  tenantId: string,
  organization: NewOrganization,
): Promise<void> {
  const row = {
    name: organization.name,
    plan_id: organization.planId ?? null,
    settings: writeJson(organization.settings),
    ...(organization.disabledAt !== undefined && { disabled_at: organization.disabledAt }),
    blueprint: organization.blueprint ?? null,
    updated_at: tx.now,
  }
  await tx.kysely
    .insertInto('organizations')
    .values({ ...row, tenant_id: tenantId, id: organization.id, created_at: tx.now })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'id']).doUpdateSet(row))
    .execute()
  tx.append({ tenantId, noun: 'organization', subjectId: organization.id })
  if (organization.disabledAt != null)
    await cutOff(tx, tenantId, { kind: 'organization', subjectId: organization.id })
}

/** With its apps; their tokens die, also where a token does not name its organization. */
export async function removeOrganization(tx: WriteTransaction, tenantId: string, id: string): Promise<void> {
  const { kysely } = tx
  const appsOfIt = kysely
    .selectFrom('apps')
    .select('client_id')
    .where('tenant_id', '=', tenantId)
    .where('organization_id', '=', id)
  for (const { client_id: clientId } of await appsOfIt.execute()) {
    tx.append({ tenantId, noun: 'app', subjectId: clientId })
    await cutOff(tx, tenantId, { kind: 'app', subjectId: clientId })
  }
  for (const table of ['dialect_uses', 'credentials'] as const) {
    await kysely
      .deleteFrom(table)
      .where('tenant_id', '=', tenantId)
      .where('client_id', 'in', appsOfIt)
      .execute()
  }
  // Who belonged to it does not belong to another of its name.
  for (const table of ['apps', 'memberships', 'invitations', 'key_requests'] as const) {
    await kysely
      .deleteFrom(table)
      .where('tenant_id', '=', tenantId)
      .where('organization_id', '=', id)
      .execute()
  }
  await removeRegistrationTokens(tx, tenantId, id)
  await kysely.deleteFrom('organizations').where('tenant_id', '=', tenantId).where('id', '=', id).execute()
  tx.append({ tenantId, noun: 'organization', subjectId: id })
  await cutOff(tx, tenantId, { kind: 'organization', subjectId: id })
}
