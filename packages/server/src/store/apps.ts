/** Apps, which are OAuth clients: the hot read of every token request, and their writes. */

import { type Kysely, sql } from 'kysely'
import type { Database, WriteTransaction } from './database.ts'
import { type JsonObject, readJson, writeJson } from './json.ts'
import { prepareRead } from './prepared.ts'
import type { Schema } from './schema.ts'

export interface ClientCredential {
  readonly id: string
  readonly format: string
  readonly verifier: Uint8Array
  readonly pepperVersion: number | null
  readonly expiresAt: number | null
  readonly disabledAt: number | null
  readonly exposedAt: number | null
}

/** An app with its credentials, as a token request needs it. */
export interface ClientRecord {
  readonly clientId: string
  readonly id: string
  readonly organizationId: string
  readonly name: string
  /** JSON text: whoever compiles it can keep the result for equal texts. */
  readonly settings: string
  readonly disabledAt: number | null
  readonly updatedAt: number
  readonly credentials: readonly ClientCredential[]
}

type ClientRow = [
  clientId: string,
  id: string,
  organizationId: string,
  name: string,
  settings: string,
  disabledAt: number | null,
  updatedAt: number,
  credentialId: string | null,
  format: string,
  verifier: Uint8Array,
  pepperVersion: number | null,
  expiresAt: number | null,
  credentialDisabledAt: number | null,
  exposedAt: number | null,
]

/**
 * One row for each credential, and one for an app that has none. For a name that no app has, the rows of another:
 * finding nothing takes a quarter of the time, and a stranger could tell by it which names exist.
 */
const clientByClientId = prepareRead<ClientRow>((db, param) =>
  db
    .selectFrom('apps as a')
    .leftJoin('credentials as c', (join) =>
      join.onRef('c.tenant_id', '=', 'a.tenant_id').onRef('c.client_id', '=', 'a.client_id'),
    )
    .select([
      'a.client_id',
      'a.id',
      'a.organization_id',
      'a.name',
      'a.settings',
      'a.disabled_at',
      'a.updated_at',
      'c.id as credential_id',
      'c.format',
      'c.verifier',
      'c.pepper_version',
      'c.expires_at',
      'c.disabled_at as credential_disabled_at',
      'c.exposed_at',
    ])
    .where('a.tenant_id', '=', param.text)
    .where(
      'a.client_id',
      '=',
      sql<string>`coalesce(
        (select client_id from apps where tenant_id = ${param.text} and client_id = ${param.text}),
        (select min(client_id) from apps where tenant_id = ${param.text}))`,
    )
    .orderBy('c.id')
    .compile(),
)

/** At once on SQLite, a promise on PostgreSQL. Disabled and expired things are returned: the caller decides. */
export function findClient(
  db: Database,
  tenantId: string,
  clientId: string,
): ClientRecord | null | Promise<ClientRecord | null> {
  const rows = db.read(clientByClientId, [tenantId, tenantId, clientId, tenantId])
  return Array.isArray(rows) ? toClient(clientId, rows) : rows.then((found) => toClient(clientId, found))
}

function toClient(clientId: string, rows: readonly ClientRow[]): ClientRecord | null {
  const [first] = rows
  if (!first) return null
  const [foundId, id, organizationId, name, settings, disabledAt, updatedAt, credentialId] = first
  const credentials = credentialId === null ? [] : rows.map(toCredential)
  const found = { clientId, id, organizationId, name, settings, disabledAt, updatedAt, credentials }
  return foundId === clientId ? found : null
}

const toCredential = (row: ClientRow): ClientCredential => ({
  id: row[7] ?? '',
  format: row[8],
  verifier: row[9],
  pepperVersion: row[10],
  expiresAt: row[11],
  disabledAt: row[12],
  exposedAt: row[13],
})

export interface AppRecord {
  readonly clientId: string
  readonly id: string
  readonly organizationId: string
  readonly name: string
  readonly settings: unknown
  readonly disabledAt: number | null
  readonly blueprint: string | null
  readonly createdAt: number
  readonly updatedAt: number
}

const selectApps = (kysely: Kysely<Schema>, tenantId: string) =>
  kysely.selectFrom('apps').selectAll().where('tenant_id', '=', tenantId).orderBy('client_id')

type AppRow = Awaited<ReturnType<ReturnType<typeof selectApps>['executeTakeFirstOrThrow']>>

const toApp = (row: AppRow): AppRecord => ({
  clientId: row.client_id,
  id: row.id,
  organizationId: row.organization_id,
  name: row.name,
  settings: readJson(row.settings),
  disabledAt: row.disabled_at,
  blueprint: row.blueprint,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

/** By the name its makers gave it. */
export async function findAppById(
  from: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  id: string,
): Promise<AppRecord | null> {
  const row = await selectApps(from.kysely, tenantId).where('id', '=', id).executeTakeFirst()
  return row ? toApp(row) : null
}

export interface Page {
  /** The client id after which to begin. */
  readonly after?: string
  readonly limit?: number
}

/** In order of client id. */
export async function listApps(
  from: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  { after, limit }: Page = {},
): Promise<AppRecord[]> {
  let query = selectApps(from.kysely, tenantId)
  if (after !== undefined) query = query.where('client_id', '>', after)
  if (limit !== undefined) query = query.limit(limit)
  return (await query.execute()).map(toApp)
}

export interface NewApp {
  readonly clientId: string
  readonly id: string
  readonly organizationId: string
  readonly name: string
  readonly settings: JsonObject
  readonly disabledAt?: number | null
  readonly blueprint?: string | null
}

/** Throws `StoreConflict` for an id that another app has, or an organization that does not exist. */
export async function saveApp(tx: WriteTransaction, tenantId: string, app: NewApp): Promise<void> {
  const row = {
    id: app.id,
    organization_id: app.organizationId,
    name: app.name,
    settings: writeJson(app.settings),
    disabled_at: app.disabledAt ?? null,
    blueprint: app.blueprint ?? null,
    updated_at: tx.now,
  }
  await tx.kysely
    .insertInto('apps')
    .values({ ...row, tenant_id: tenantId, client_id: app.clientId, created_at: tx.now })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'client_id']).doUpdateSet(row))
    .execute()
  tx.append({ tenantId, noun: 'app', subjectId: app.clientId })
}

/** With its credentials. */
export async function removeApp(tx: WriteTransaction, tenantId: string, clientId: string): Promise<void> {
  for (const table of ['dialect_uses', 'credentials', 'apps'] as const) {
    await tx.kysely
      .deleteFrom(table)
      .where('tenant_id', '=', tenantId)
      .where('client_id', '=', clientId)
      .execute()
  }
  tx.append({ tenantId, noun: 'app', subjectId: clientId })
}
