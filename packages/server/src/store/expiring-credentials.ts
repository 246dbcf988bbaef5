/** Credentials that come to their end within some time and have not been told of. */

import { type Kysely, sql } from 'kysely'
import type { Schema } from './schema.ts'

export interface ExpiringCredential {
  readonly tenantId: string
  readonly clientId: string
  readonly credentialId: string
  readonly expiresAt: number
  readonly lastUsedAt: number | null
  /** Of its tenant, as JSON text. */
  readonly settings: string
}

export interface ExpiryQuery {
  readonly now: number
  /** The last instant that is of interest. */
  readonly until: number
  readonly after: ExpiringCredential | null
  readonly limit: number
}

/** In the order of their ends. What is disabled, or belongs to a disabled app, has ended already. */
export async function listExpiring(
  from: { readonly kysely: Kysely<Schema> },
  { now, until, after, limit }: ExpiryQuery,
): Promise<ExpiringCredential[]> {
  let query = from.kysely
    .selectFrom('credentials as c')
    .innerJoin('tenants as t', 't.id', 'c.tenant_id')
    .innerJoin('apps as a', (join) =>
      join.onRef('a.tenant_id', '=', 'c.tenant_id').onRef('a.client_id', '=', 'c.client_id'),
    )
    .leftJoin('notices as n', (join) =>
      join
        .onRef('n.tenant_id', '=', 'c.tenant_id')
        .onRef('n.client_id', '=', 'c.client_id')
        .onRef('n.credential_id', '=', 'c.id')
        .on('n.kind', '=', 'expires_soon')
        .onRef('n.about_at', '=', 'c.expires_at'),
    )
    .select(['c.tenant_id as tenantId', 'c.client_id as clientId', 'c.id as credentialId', 't.settings'])
    .select(['c.expires_at as expiresAt', 'c.last_used_at as lastUsedAt'])
    .where('c.expires_at', '>', now)
    .where('c.expires_at', '<=', until)
    .where('c.disabled_at', 'is', null)
    .where('a.disabled_at', 'is', null)
    .where('t.disabled_at', 'is', null)
    .where('n.seq', 'is', null)
    .orderBy('c.expires_at')
    .orderBy('c.tenant_id')
    .orderBy('c.client_id')
    .orderBy('c.id')
    .limit(limit)
  if (after !== null) {
    const { expiresAt, tenantId, clientId, credentialId } = after
    query = query.where(
      sql<boolean>`(c.expires_at, c.tenant_id, c.client_id, c.id)
        > (cast(${expiresAt} as bigint), ${tenantId}, ${clientId}, ${credentialId})`,
    )
  }
  const rows = await query.execute()
  return rows.map((row) => ({ ...row, expiresAt: Number(row.expiresAt) }))
}
