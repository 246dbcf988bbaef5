/** What an organization's people should hear of one of their secrets: one row for each secret and kind. */

import { type Kysely, type Selectable, sql } from 'kysely'
import type { WriteTransaction } from './database.ts'
import { readJson, writeJson } from './json.ts'
import type { NoticesTable, Schema } from './schema.ts'

export interface NewNotice {
  readonly tenantId: string
  readonly clientId: string
  readonly credentialId: string
  readonly kind: NoticesTable['kind']
  /** Never a secret. */
  readonly detail: Readonly<Record<string, string | number | boolean | null>>
}

export interface Notice extends NewNotice {
  readonly happenedAt: number
}

/** Of one kind a secret has one notice; what is worse than before replaces it. */
export async function saveNotice(tx: WriteTransaction, notice: NewNotice): Promise<void> {
  const row = { detail: writeJson(notice.detail), happened_at: tx.now }
  await tx.kysely
    .insertInto('notices')
    .values({ ...row, ...keyOf(notice), about_at: null })
    .onConflict((conflict) =>
      conflict.columns(['tenant_id', 'client_id', 'credential_id', 'kind']).doUpdateSet(row),
    )
    .execute()
}

/** Once for each end: false if it has been told of, by this node or another. */
export async function saveExpiryNotice(
  tx: WriteTransaction,
  notice: Omit<NewNotice, 'kind'>,
  expiresAt: number,
): Promise<boolean> {
  const row = { detail: writeJson(notice.detail), happened_at: tx.now, about_at: expiresAt }
  const saved = await tx.kysely
    .insertInto('notices')
    .values({ ...row, ...keyOf({ ...notice, kind: 'expires_soon' }) })
    .onConflict((conflict) =>
      conflict
        .columns(['tenant_id', 'client_id', 'credential_id', 'kind'])
        .doUpdateSet(row)
        .where(sql<boolean>`notices.about_at is distinct from excluded.about_at`),
    )
    .returning('seq')
    .executeTakeFirst()
  return saved !== undefined
}

const keyOf = ({ tenantId, clientId, credentialId, kind }: NewNotice) => ({
  tenant_id: tenantId,
  client_id: clientId,
  credential_id: credentialId,
  kind,
})

/** The oldest first; of one tenant or of all. */
export async function listNotices(
  from: { readonly kysely: Kysely<Schema> },
  tenantId?: string,
): Promise<Notice[]> {
  const all = from.kysely.selectFrom('notices').selectAll().orderBy('happened_at').orderBy('seq')
  const rows = await (tenantId === undefined ? all : all.where('tenant_id', '=', tenantId)).execute()
  return rows.map(toNotice)
}

const toNotice = (row: Selectable<NoticesTable>): Notice => ({
  tenantId: row.tenant_id,
  clientId: row.client_id,
  credentialId: row.credential_id,
  kind: row.kind,
  detail: readJson(row.detail) as Notice['detail'],
  happenedAt: row.happened_at,
})

export interface NoticePage {
  /** When the one after which to begin happened, and its number. */
  readonly after?: readonly [happenedAt: number, number: number] | undefined
  readonly limit: number
  readonly organizationId?: string | undefined
}

/** The oldest first, each with its number. */
export async function pageOfNotices(
  { kysely }: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  { after, limit, organizationId }: NoticePage,
): Promise<(Notice & { readonly number: number })[]> {
  const all = kysely.selectFrom('notices').selectAll().where('tenant_id', '=', tenantId)
  let query = all.orderBy('happened_at').orderBy('seq').limit(limit)
  if (organizationId !== undefined)
    query = query.where('client_id', 'in', (eb) =>
      eb
        .selectFrom('apps')
        .select('apps.client_id')
        .where('apps.tenant_id', '=', tenantId)
        .where('apps.organization_id', '=', organizationId),
    )
  if (after !== undefined)
    query = query.where((eb) => eb(eb.refTuple('happened_at', 'seq'), '>', eb.tuple(after[0], after[1])))
  return (await query.execute()).map((row) => ({ ...toNotice(row), number: row.seq }))
}
