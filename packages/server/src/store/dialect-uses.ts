/** Counters of the dialect features that each app still leans on. */

import { type Kysely, sql } from 'kysely'
import type { WriteTransaction } from './database.ts'
import type { Schema } from './schema.ts'

export interface DialectUse {
  readonly tenantId: string
  readonly clientId: string
  readonly feature: string
  /** How many more. */
  readonly uses: number
  readonly lastUsedAt: number
}

/** Bound variables have a limit on both engines. */
const rowsPerInsert = 1000

/** Adds a batch, counted in memory since the last one. No change: nothing caches a counter. */
export async function addDialectUses(tx: WriteTransaction, batch: readonly DialectUse[]): Promise<void> {
  const merged = mergeUses(batch)
  for (let start = 0; start < merged.length; start += rowsPerInsert) {
    const rows = merged.slice(start, start + rowsPerInsert).map((use) => ({
      tenant_id: use.tenantId,
      client_id: use.clientId,
      feature: use.feature,
      uses: use.uses,
      last_used_at: use.lastUsedAt,
    }))
    await tx.kysely
      .insertInto('dialect_uses')
      .values(rows)
      .onConflict((conflict) =>
        conflict.columns(['tenant_id', 'client_id', 'feature']).doUpdateSet({
          uses: sql`dialect_uses.uses + excluded.uses`,
          last_used_at: sql`case when excluded.last_used_at > dialect_uses.last_used_at
            then excluded.last_used_at else dialect_uses.last_used_at end`,
        }),
      )
      .execute()
  }
}

/** PostgreSQL refuses to touch a row twice in one statement. */
function mergeUses(batch: readonly DialectUse[]): DialectUse[] {
  const merged = new Map<string, DialectUse>()
  for (const use of batch) {
    const key = JSON.stringify([use.tenantId, use.clientId, use.feature])
    const before = merged.get(key)
    const uses = use.uses + (before?.uses ?? 0)
    merged.set(key, { ...use, uses, lastUsedAt: Math.max(use.lastUsedAt, before?.lastUsedAt ?? 0) })
  }
  return [...merged.values()]
}

export type DialectUseRecord = Omit<DialectUse, 'tenantId'>

export interface DialectUsePage {
  /** The client id and feature after which to begin. */
  readonly after?: readonly [clientId: string, feature: string] | undefined
  readonly limit?: number
  readonly feature?: string | undefined
}

/** In order of client id and feature. */
export async function listDialectUses(
  { kysely }: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  { after, limit, feature }: DialectUsePage = {},
): Promise<DialectUseRecord[]> {
  let query = kysely
    .selectFrom('dialect_uses')
    .select(['client_id as clientId', 'feature', 'uses', 'last_used_at as lastUsedAt'])
    .where('tenant_id', '=', tenantId)
    .orderBy('client_id')
    .orderBy('feature')
  if (limit !== undefined) query = query.limit(limit)
  if (feature !== undefined) query = query.where('feature', '=', feature)
  if (after !== undefined)
    query = query.where((eb) => eb(eb.refTuple('client_id', 'feature'), '>', eb.tuple(after[0], after[1])))
  return (await query.execute()).map((row) => ({ ...row }))
}
