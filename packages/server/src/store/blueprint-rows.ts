/** What blueprints are compared with: their tenants whole, with the verifiers of credentials, and who holds a host. */

import { type Kysely, sql } from 'kysely'
import { type Database, readSnapshot, type WriteTransaction } from './database.ts'
import type { Schema } from './schema.ts'
import { readTenantRows, type TenantRows } from './tenant-rows.ts'
import { lockTenants, selectHostHolders } from './tenants.ts'

export interface CredentialVerifier {
  readonly clientId: string
  readonly id: string
  readonly format: string
  readonly verifier: Uint8Array
  readonly pepperVersion: number | null
  readonly sealedSecret: Uint8Array | null
  /** Of a secret that came as a foreign hash and has been upgraded since: a digest of that hash, under our pepper. */
  readonly origin: Uint8Array | null
}

export interface BlueprintTenant extends TenantRows {
  readonly verifiers: readonly CredentialVerifier[]
}

export interface BlueprintRows {
  readonly tenants: readonly BlueprintTenant[]
  /** The tenant of each host asked for, where it has one. */
  readonly hostHolders: ReadonlyMap<string, string>
}

export interface BlueprintQuery {
  /** Names of blueprints: every tenant that one of them made is read. */
  readonly blueprints: readonly string[]
  /** Further tenants, read if they exist. */
  readonly tenantIds: readonly string[]
  readonly hosts: readonly string[]
}

/** Of the tenants named, those that exist; or of all. In order of id. */
export const readTenants = (
  from: { readonly kysely: Kysely<Schema> },
  tenantIds: readonly string[] | null,
): Promise<readonly BlueprintTenant[]> =>
  readSnapshot(from, async (kysely) => {
    const ids = tenantIds ?? (await selectTenantIds(kysely))
    return selectTenants(kysely, [...new Set(ids)].toSorted())
  })

const selectTenantIds = async (kysely: Kysely<Schema>): Promise<string[]> =>
  (await kysely.selectFrom('tenants').select('id').execute()).map(({ id }) => id)

async function selectTenants(kysely: Kysely<Schema>, ids: Iterable<string>): Promise<BlueprintTenant[]> {
  const tenants: BlueprintTenant[] = []
  for (const tenantId of ids) {
    const rows = await readTenantRows({ kysely }, tenantId)
    if (rows) tenants.push({ ...rows, verifiers: await selectVerifiers(kysely, tenantId) })
  }
  return tenants
}

/** Of a database, or inside a transaction, where it sees what the transaction has written. */
export function readBlueprintRows(
  from: { readonly kysely: Kysely<Schema> },
  { blueprints, tenantIds, hosts }: BlueprintQuery,
): Promise<BlueprintRows> {
  return readSnapshot(from, async (kysely) => {
    const ids = new Set([...tenantIds, ...(await selectMade(kysely, blueprints))])
    return { tenants: await selectTenants(kysely, ids), hostHolders: await selectHostHolders(kysely, hosts) }
  })
}

/** The tenants that a blueprint has made. */
export const readMadeBy = ({ kysely }: { readonly kysely: Kysely<Schema> }, blueprint: string) =>
  selectMade(kysely, [blueprint])

async function selectMade(kysely: Kysely<Schema>, blueprints: readonly string[]): Promise<string[]> {
  // PostgreSQL has no empty list.
  if (blueprints.length === 0) return []
  const made = kysely.selectFrom('tenants').select('id').where('blueprint', 'in', blueprints)
  return (await made.execute()).map(({ id }) => id)
}

async function selectVerifiers(kysely: Kysely<Schema>, tenantId: string): Promise<CredentialVerifier[]> {
  const rows = await kysely
    .selectFrom('credentials')
    .select(['client_id', 'id', 'format', 'verifier', 'pepper_version', 'sealed_secret', 'origin'])
    .where('tenant_id', '=', tenantId)
    .execute()
  return rows.map((row) => ({
    clientId: row.client_id,
    id: row.id,
    format: row.format,
    verifier: row.verifier,
    pepperVersion: row.pepper_version,
    sealedSecret: row.sealed_secret,
    origin: row.origin,
  }))
}

// Beside the locks of the feed and of migrations in `postgres.ts`.
const blueprintLock = [0x5a11, 3] as const

/** From here to the commit no other blueprint is applied: what is read next stays true. SQLite has one writer anyway. */
export async function lockBlueprints(tx: WriteTransaction, engine: Database['engine']): Promise<void> {
  if (engine === 'sqlite') return
  await sql`select pg_advisory_xact_lock(${sql.lit(blueprintLock[0])}, ${sql.lit(blueprintLock[1])})`.execute(
    tx.kysely,
  )
}

/** From here to the commit nobody else changes the tenants that `readBlueprintRows` reads. */
export async function lockBlueprintTenants(
  tx: WriteTransaction,
  { blueprints, tenantIds }: Pick<BlueprintQuery, 'blueprints' | 'tenantIds'>,
): Promise<void> {
  await lockTenants(tx, [...tenantIds, ...(await selectMade(tx.kysely, blueprints))])
}
