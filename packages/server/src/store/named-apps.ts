/** Which apps others name in their settings: a name that is spoken for is not free, though its holder is gone. */

import type { Kysely } from 'kysely'
import type { WriteTransaction } from './database.ts'
import type { Schema } from './schema.ts'

/** The ids of the apps that an app's settings name: those whose tokens it may bring. */
export function namesIn(settings: unknown): readonly string[] {
  const { token_exchange: policy } = settings as { readonly token_exchange?: Policy }
  const names = [...(policy?.subjects ?? []), ...(policy?.actors ?? [])]
  return [...new Set(names)].filter((name) => name !== '*')
}

interface Policy {
  readonly subjects?: readonly string[]
  readonly actors?: readonly string[]
}

/** An app that may name others. */
interface Naming {
  readonly clientId: string
  readonly settings: unknown
}

/** Instead of those that the app has named before. */
export async function saveNames(tx: WriteTransaction, tenantId: string, app: Naming): Promise<void> {
  await tx.kysely
    .deleteFrom('named_apps')
    .where('tenant_id', '=', tenantId)
    .where('client_id', '=', app.clientId)
    .execute()
  await addNames(tx, tenantId, [app])
}

/** Bound variables have a limit on both engines. */
const rowsPerInsert = 1000

/** Of apps that have named none before. */
export async function addNames(
  { kysely }: WriteTransaction,
  tenantId: string,
  apps: readonly Naming[],
): Promise<void> {
  const rows = apps.flatMap(({ clientId, settings }) =>
    namesIn(settings).map((name) => ({ tenant_id: tenantId, app_id: name, client_id: clientId })),
  )
  for (let start = 0; start < rows.length; start += rowsPerInsert) {
    const piece = rows.slice(start, start + rowsPerInsert)
    await kysely.insertInto('named_apps').values(piece).execute()
  }
}

export async function isAppNamed(
  { kysely }: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  appId: string,
): Promise<boolean> {
  const row = await kysely
    .selectFrom('named_apps')
    .select('client_id')
    .where('tenant_id', '=', tenantId)
    .where('app_id', '=', appId)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}
