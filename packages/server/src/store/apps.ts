/** Apps, which are OAuth clients: the hot read of every token request, and their writes. */

import { type Soon, whenKnown } from '@sallyport/protocol'
import { type Kysely, sql } from 'kysely'
import { type ClientCredential, parseClientCredentials } from './client-credentials.ts'
import type { Database, WriteTransaction } from './database.ts'
import { type JsonObject, readJson, writeJson } from './json.ts'
import { addNames, saveNames } from './named-apps.ts'
import { prepareRead } from './prepared.ts'
import { cutOff } from './revocations.ts'
import type { Schema } from './schema.ts'

/** An app with its credentials, as a token request needs it. */
export interface ClientRecord {
  readonly clientId: string
  readonly id: string
  readonly organizationId: string
  readonly name: string
  /** JSON text: whoever compiles it can keep the result for equal texts. */
  readonly settings: string
  readonly disabledAt: number | null
  readonly credentials: readonly ClientCredential[]
  /** JSON text, as it is stored: whoever compares two readings need not take them apart. */
  readonly credentialsText: string
}

type ClientRow = [
  clientId: string,
  id: string,
  organizationId: string,
  name: string,
  settings: string,
  disabledAt: number | null,
  credentials: string,
]

const identity = ['client_id', 'id', 'organization_id', 'name'] as const
const clientColumns = [...identity, 'settings', 'disabled_at', 'credentials'] as const

const clientByClientId = prepareRead<ClientRow>((db, param) =>
  db
    .selectFrom('apps')
    .select(clientColumns)
    .where('tenant_id', '=', param.text)
    .where('client_id', '=', param.text)
    .compile(),
)

const anyClient = prepareRead<ClientRow>((db, param) =>
  db
    .selectFrom('apps')
    .select(clientColumns)
    .where('tenant_id', '=', param.text)
    .orderBy('tenant_id')
    .orderBy('client_id')
    .limit(sql.lit(1))
    .compile(),
)

/** At once on SQLite, a promise on PostgreSQL. Disabled and expired things are returned: the caller decides. */
export function findClient(db: Database, tenantId: string, clientId: string): Soon<ClientRecord | null> {
  const rows = db.read(clientByClientId, [tenantId, clientId])
  const found = ([row]: readonly ClientRow[]) => (row ? toClient(row) : readDecoy(db, tenantId))
  return whenKnown(rows, found)
}

/**
 * Finding nothing takes half the time of finding something, and a stranger could tell by it which names exist: so a
 * row is read all the same, and forgotten.
 */
function readDecoy(db: Database, tenantId: string): Soon<null> {
  const forget = ([row]: readonly ClientRow[]): null => {
    if (row) toClient(row)
    return null
  }
  const rows = db.read(anyClient, [tenantId])
  return whenKnown(rows, forget)
}

function toClient(row: ClientRow): ClientRecord {
  const [clientId, id, organizationId, name, settings, disabledAt, credentials] = row
  return {
    clientId,
    id,
    organizationId,
    name,
    settings,
    disabledAt,
    credentials: parseClientCredentials(credentials),
    credentialsText: credentials,
  }
}

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

export async function findAppByClientId(
  from: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  clientId: string,
): Promise<AppRecord | null> {
  const row = await selectApps(from.kysely, tenantId).where('client_id', '=', clientId).executeTakeFirst()
  return row ? toApp(row) : null
}

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
  readonly after?: string | undefined
  readonly limit?: number | undefined
  /** Only those of this organization. */
  readonly organizationId?: string | undefined
  /** Only the one of this id. */
  readonly id?: string | undefined
}

/** In order of client id. */
export async function listApps(
  from: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  { after, limit, organizationId, id }: Page = {},
): Promise<AppRecord[]> {
  let query = selectApps(from.kysely, tenantId)
  if (id !== undefined) {
    query = query.where('id', '=', id)
    if (organizationId !== undefined) query = query.where('organization_id', '=', organizationId)
  } else if (organizationId !== undefined) {
    // On its own SQLite would walk through all apps of the tenant, because they are in order already.
    const place = { tenantId, organizationId, after, limit }
    return (await query.where('client_id', 'in', clientIdsOf(from.kysely, place)).execute()).map(toApp)
  }
  if (after !== undefined) query = query.where('client_id', '>', after)
  if (limit !== undefined) query = query.limit(limit)
  return (await query.execute()).map(toApp)
}

interface OrganizationPage extends Page {
  readonly tenantId: string
  readonly organizationId: string
}

/** In order, by the organizations' own index. */
function clientIdsOf(kysely: Kysely<Schema>, { tenantId, organizationId, after, limit }: OrganizationPage) {
  let query = kysely
    .selectFrom('apps')
    .select('client_id')
    .where('tenant_id', '=', tenantId)
    .where('organization_id', '=', organizationId)
    .orderBy('client_id')
  if (after !== undefined) query = query.where('client_id', '>', after)
  return limit === undefined ? query : query.limit(limit)
}

/** Of an organization's apps, in order. */
export async function listClientIds(
  from: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  organizationId: string,
  limit?: number,
): Promise<string[]> {
  const rows = await clientIdsOf(from.kysely, { tenantId, organizationId, limit }).execute()
  return rows.map(({ client_id: clientId }) => clientId)
}

export interface NewApp {
  readonly clientId: string
  readonly id: string
  readonly organizationId: string
  readonly name: string
  readonly settings: JsonObject
  /** Left out, it stays as it is. */
  readonly disabledAt?: number | null
  readonly blueprint?: string | null
}

/** Beside the key of its row. */
const columnsOf = (app: NewApp, now: number) => ({
  id: app.id,
  organization_id: app.organizationId,
  name: app.name,
  settings: writeJson(app.settings),
  ...(app.disabledAt !== undefined && { disabled_at: app.disabledAt }),
  blueprint: app.blueprint ?? null,
  updated_at: now,
})

const insertApps = ({ kysely, now }: WriteTransaction, tenantId: string, apps: readonly NewApp[]) =>
  kysely.insertInto('apps').values(
    apps.map((app) => ({
      ...{ ...columnsOf(app, now), disabled_at: app.disabledAt ?? null },
      ...{ tenant_id: tenantId, client_id: app.clientId, created_at: now },
    })),
  )

/** Throws `StoreConflict` for an id that another app has, or an organization that does not exist. Disabled, its tokens die. */
export async function saveApp(tx: WriteTransaction, tenantId: string, app: NewApp): Promise<void> {
  await insertApps(tx, tenantId, [app])
    .onConflict((conflict) =>
      conflict.columns(['tenant_id', 'client_id']).doUpdateSet(columnsOf(app, tx.now)),
    )
    .execute()
  await saveNames(tx, tenantId, app)
  await appSaved(tx, tenantId, app)
}

/** Bound variables have a limit on both engines. */
const appsPerInsert = 500

/** New ones, as `saveApp` saves each; but a client id that is taken is a conflict too, so that no app is written over. */
export async function addApps(
  tx: WriteTransaction,
  tenantId: string,
  apps: readonly NewApp[],
): Promise<void> {
  for (let start = 0; start < apps.length; start += appsPerInsert)
    await insertApps(tx, tenantId, apps.slice(start, start + appsPerInsert)).execute()
  await addNames(tx, tenantId, apps)
  for (const app of apps) await appSaved(tx, tenantId, app)
}

async function appSaved(
  tx: WriteTransaction,
  tenantId: string,
  { clientId, disabledAt }: NewApp,
): Promise<void> {
  tx.append({ tenantId, noun: 'app', subjectId: clientId })
  if (disabledAt != null) await cutOff(tx, tenantId, { kind: 'app', subjectId: clientId })
}

/** With its credentials; its tokens die. */
export async function removeApp(tx: WriteTransaction, tenantId: string, clientId: string): Promise<void> {
  for (const table of ['dialect_uses', 'credentials', 'apps'] as const) {
    await tx.kysely
      .deleteFrom(table)
      .where('tenant_id', '=', tenantId)
      .where('client_id', '=', clientId)
      .execute()
  }
  tx.append({ tenantId, noun: 'app', subjectId: clientId })
  await cutOff(tx, tenantId, { kind: 'app', subjectId: clientId })
}
