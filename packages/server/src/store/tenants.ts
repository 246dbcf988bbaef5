/** Tenants with their hosts, APIs and plans: read whole, as one snapshot. APIs and plans are written in `apis.ts` and `plans.ts`. */

import type { Kysely } from 'kysely'
import { type Database, readSnapshot, StoreBusy, StoreTooSlow, type WriteTransaction } from './database.ts'
import { type FormerDialect, formerDialectsAfter, readFormerDialects } from './former-dialects.ts'
import { type JsonObject, readJson, writeJson } from './json.ts'
import { removeOpaqueTokens } from './opaque-tokens.ts'
import { prepareRead } from './prepared.ts'
import { hasRegistrationTokens } from './registration-tokens.ts'
import { cutOff } from './revocations.ts'
import type { Schema, TenantsTable } from './schema.ts'
import { type SigningKeyRecord, selectSigningKeys } from './signing-keys.ts'
import { allowWholeTables } from './whole-tables.ts'

export interface ApiRecord {
  readonly id: string
  readonly audience: string
  readonly settings: unknown
  readonly blueprint: string | null
}

export interface PlanRecord {
  readonly id: string
  readonly settings: unknown
  readonly blueprint: string | null
}

type From = { readonly kysely: Kysely<Schema> }

interface Page {
  /** The id after which to begin. */
  readonly after?: string | undefined
  readonly limit: number
}

export interface TenantRow {
  readonly id: string
  readonly name: string
  readonly environment: TenantsTable['environment']
  readonly settings: unknown
  readonly disabledAt: number | null
  /** The latest first. */
  readonly formerDialects: readonly FormerDialect[]
  readonly blueprint: string | null
  readonly createdAt: number
  readonly updatedAt: number
}

export interface TenantRecord extends TenantRow {
  readonly hosts: readonly string[]
  readonly apis: readonly ApiRecord[]
  readonly plans: readonly PlanRecord[]
  /** All but the retired. */
  readonly signingKeys: readonly SigningKeyRecord[]
  readonly takesRegistrations: boolean
}

const tenantIdByHost = prepareRead<[tenantId: string]>((db, param) =>
  db.selectFrom('tenant_hosts').select('tenant_id').where('host', '=', param.text).compile(),
)

export async function findTenantIdByHost(db: Database, host: string): Promise<string | null> {
  const [row] = await db.read(tenantIdByHost, [host])
  return row?.[0] ?? null
}

export async function listTenantIds(db: Database): Promise<string[]> {
  const rows = await db.kysely.selectFrom('tenants').select('id').orderBy('id').execute()
  return rows.map(({ id }) => id)
}

export function loadTenant(from: From, tenantId: string): Promise<TenantRecord | null> {
  return readSnapshot(from, async (kysely) => {
    const tenant = await selectTenant(kysely, tenantId)
    if (!tenant) return null
    const parts = await selectTenantParts(kysely, tenantId)
    const keys = await selectSigningKeys(kysely, tenantId)
    const signingKeys = keys.filter(({ state }) => state !== 'retired')
    return {
      ...tenant,
      ...parts,
      signingKeys,
      takesRegistrations: await hasRegistrationTokens({ kysely }, tenantId),
    }
  })
}

const toTenantRow = (row: TenantsTable): TenantRow => ({
  id: row.id,
  name: row.name,
  environment: row.environment,
  settings: readJson(row.settings),
  disabledAt: row.disabled_at,
  formerDialects: readFormerDialects(row.former_dialects),
  blueprint: row.blueprint,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

export async function selectTenant(kysely: Kysely<Schema>, tenantId: string): Promise<TenantRow | null> {
  const row = await kysely.selectFrom('tenants').selectAll().where('id', '=', tenantId).executeTakeFirst()
  return row ? toTenantRow(row) : null
}

/**
 * From here to the commit nobody else who locks it changes the tenant, so what was checked still holds when it is written.
 * On SQLite there is only one writer anyway.
 */
export async function lockTenant({ kysely }: WriteTransaction, tenantId: string): Promise<void> {
  const lock = kysely
    .updateTable('tenants')
    .set((row) => ({ updated_at: row.ref('updated_at') }))
    .where('id', '=', tenantId)
  try {
    await lock.execute()
  } catch (error) {
    // One row by its key is slow for one reason only.
    if (error instanceof StoreTooSlow)
      throw new StoreBusy(`Somebody else is changing tenant ${tenantId}.`, { cause: error })
    throw error
  }
}

/** In one order, or two who lock several wait for each other. One that is not there is not kept from being made. */
export async function lockTenants(tx: WriteTransaction, tenantIds: Iterable<string>): Promise<void> {
  for (const tenantId of [...new Set(tenantIds)].sort()) await lockTenant(tx, tenantId)
}

/** One transaction in which nobody else changes the tenant: what is read in it still holds when it commits. */
export const writeTenant = <Result>(
  db: Database,
  tenantId: string,
  work: (tx: WriteTransaction) => Promise<Result>,
): Promise<Result> =>
  db.write(async (tx) => {
    await lockTenant(tx, tenantId)
    return work(tx)
  })

/** In order of id, from the one after `after` on. */
export async function listTenants({ kysely }: From, { after, limit }: Page): Promise<TenantRow[]> {
  const query = kysely.selectFrom('tenants').selectAll().orderBy('id').limit(limit)
  return (await (after === undefined ? query : query.where('id', '>', after)).execute()).map(toTenantRow)
}

export async function selectTenantParts(
  kysely: Kysely<Schema>,
  tenantId: string,
): Promise<Pick<TenantRecord, 'hosts' | 'apis' | 'plans'>> {
  const hosts = await kysely
    .selectFrom('tenant_hosts')
    .select('host')
    .where('tenant_id', '=', tenantId)
    .orderBy('host')
    .execute()
  const apis = await kysely
    .selectFrom('apis')
    .select(['id', 'audience', 'settings', 'blueprint'])
    .where('tenant_id', '=', tenantId)
    .orderBy('id')
    .execute()
  const plans = await kysely
    .selectFrom('plans')
    .select(['id', 'settings', 'blueprint'])
    .where('tenant_id', '=', tenantId)
    .orderBy('id')
    .execute()
  return {
    hosts: hosts.map(({ host }) => host),
    apis: apis.map((api) => ({ ...api, settings: readJson(api.settings) })),
    plans: plans.map((plan) => ({ ...plan, settings: readJson(plan.settings) })),
  }
}

export interface NewTenant {
  readonly name: string
  readonly environment: TenantsTable['environment']
  readonly settings: JsonObject
  readonly blueprint?: string | null
  /** Left out, it stays as it is. */
  readonly disabledAt?: number | null
}

/** False, and nothing is done, if there is one of that id, also one that somebody else is only just making. */
export async function addTenant(
  tx: WriteTransaction,
  tenantId: string,
  { name, environment, settings, blueprint = null, disabledAt = null }: NewTenant,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx.kysely
    .insertInto('tenants')
    .values({
      ...{ id: tenantId, name, environment, settings: writeJson(settings), blueprint },
      ...{ disabled_at: disabledAt, created_at: tx.now, updated_at: tx.now },
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .executeTakeFirst()
  if (numInsertedOrUpdatedRows === 0n) return false
  appendTenant(tx, tenantId)
  if (disabledAt !== null) await cutOff(tx, tenantId, { kind: 'tenant', subjectId: tenantId })
  return true
}

/** Disabled, all its tokens die. What its dialect made of tokens until now is kept beside it. */
export async function saveTenant(tx: WriteTransaction, tenantId: string, tenant: NewTenant): Promise<void> {
  await lockTenant(tx, tenantId)
  const row = {
    name: tenant.name,
    environment: tenant.environment,
    settings: writeJson(tenant.settings),
    ...(tenant.disabledAt !== undefined && { disabled_at: tenant.disabledAt }),
    former_dialects: await formerDialectsAfter(tx, tenantId, tenant.settings),
    blueprint: tenant.blueprint ?? null,
    updated_at: tx.now,
  }
  await tx.kysely
    .insertInto('tenants')
    .values({ ...row, id: tenantId, created_at: tx.now })
    .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
    .execute()
  appendTenant(tx, tenantId)
  if (tenant.disabledAt != null) await cutOff(tx, tenantId, { kind: 'tenant', subjectId: tenantId })
}

/**
 * With everything it owns, its keys and opaque tokens too. What remains is that it was cut off: another of its name gets
 * none of its tokens, whatever a process still has in memory.
 */
export async function removeTenant(tx: WriteTransaction, tenantId: string): Promise<void> {
  const { kysely } = tx
  await allowWholeTables(tx)
  const apps = await kysely.selectFrom('apps').select('client_id').where('tenant_id', '=', tenantId).execute()
  for (const app of apps) tx.append({ tenantId, noun: 'app', subjectId: app.client_id })
  const organizations = await kysely
    .selectFrom('organizations')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .execute()
  for (const { id } of organizations) tx.append({ tenantId, noun: 'organization', subjectId: id })
  for (const table of ownedTables) await kysely.deleteFrom(table).where('tenant_id', '=', tenantId).execute()
  await removeOpaqueTokens(tx, tenantId)
  await kysely.deleteFrom('tenants').where('id', '=', tenantId).execute()
  appendTenant(tx, tenantId)
  await cutOff(tx, tenantId, { kind: 'tenant', subjectId: tenantId })
}

/** Whatever points at another comes before it. */
export const ownedTables = [
  'key_requests',
  'invitations',
  'memberships',
  'roles',
  'users',
  'dialect_uses',
  'credentials',
  'apps',
  'organizations',
  'plans',
  'apis',
  'tenant_hosts',
  'signing_keys',
  'revocations',
  'notices',
] as const

/** The tenant of each of these hosts that has one. */
export async function selectHostHolders(
  kysely: Kysely<Schema>,
  hosts: readonly string[],
): Promise<Map<string, string>> {
  if (hosts.length === 0) return new Map()
  const rows = await kysely.selectFrom('tenant_hosts').selectAll().where('host', 'in', hosts).execute()
  return new Map(rows.map((row) => [row.host, row.tenant_id]))
}

/** Throws `StoreConflict` for a host that another tenant holds. */
export async function replaceHosts(
  tx: WriteTransaction,
  tenantId: string,
  hosts: readonly string[],
): Promise<void> {
  await tx.kysely.deleteFrom('tenant_hosts').where('tenant_id', '=', tenantId).execute()
  if (hosts.length > 0) {
    const rows = [...new Set(hosts)].map((host) => ({ host, tenant_id: tenantId }))
    await tx.kysely.insertInto('tenant_hosts').values(rows).execute()
  }
  appendTenant(tx, tenantId)
}

/** Whatever a tenant has is a part of it, and its change one of the tenant. */
export const appendTenant = (tx: WriteTransaction, tenantId: string): void =>
  tx.append({ tenantId, noun: 'tenant', subjectId: tenantId })
