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

/** Instead of those that the app has named before. */
export async function saveNames(
  { kysely }: WriteTransaction,
  tenantId: string,
  clientId: string,
  settings: unknown,
): Promise<void> {
  await kysely
    .deleteFrom('named_apps')
    .where('tenant_id', '=', tenantId)
    .where('client_id', '=', clientId)
    .execute()
  const rows = namesIn(settings).map((name) => ({ tenant_id: tenantId, app_id: name, client_id: clientId }))
  if (rows.length > 0) await kysely.insertInto('named_apps').values(rows).execute()
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
