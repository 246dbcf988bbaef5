/** Invitations into a tenant or one of its organizations. Of the token that accepts one only a digest is kept. */

import type { Kysely } from 'kysely'
import type { WriteTransaction } from './database.ts'
import { readJson, writeJson } from './json.ts'
import { isMadeAfter, type MadePlace } from './made-after.ts'
import { hasRole } from './memberships.ts'
import type { InvitationsTable, Schema } from './schema.ts'

type From = { readonly kysely: Kysely<Schema> }

export interface InvitationRecord {
  readonly id: string
  /** Null for the tenant as a whole. */
  readonly organizationId: string | null
  readonly email: string
  readonly roles: readonly string[]
  readonly expiresAt: number
  readonly acceptedAt: number | null
  readonly createdAt: number
}

const toInvitation = (row: InvitationsTable): InvitationRecord => ({
  ...{ id: row.id, organizationId: row.organization_id === '' ? null : row.organization_id },
  ...{ email: row.email, roles: readJson(row.roles) as string[] },
  ...{ expiresAt: row.expires_at, acceptedAt: row.accepted_at, createdAt: row.created_at },
})

const ofTenant = ({ kysely }: From, tenantId: string) =>
  kysely.selectFrom('invitations').selectAll().where('tenant_id', '=', tenantId)

export interface InvitationQuery {
  readonly after: MadePlace | undefined
  readonly limit: number
  /** Left out, those of the tenant as a whole and of all its organizations. */
  readonly organizationId?: string | undefined
}

/** In the order in which they were made. */
export async function listInvitations(
  from: From,
  tenantId: string,
  { after, limit, organizationId }: InvitationQuery,
): Promise<InvitationRecord[]> {
  let query = ofTenant(from, tenantId).orderBy('created_at').orderBy('id').limit(limit)
  if (organizationId !== undefined) query = query.where('organization_id', '=', organizationId)
  if (after !== undefined) query = query.where(isMadeAfter(after))
  return (await query.execute()).map(toInvitation)
}

export async function findInvitation(
  from: From,
  tenantId: string,
  id: string,
): Promise<InvitationRecord | null> {
  const row = await ofTenant(from, tenantId).where('id', '=', id).executeTakeFirst()
  return row ? toInvitation(row) : null
}

/** Those that can still be accepted. */
const openOnes = (tx: WriteTransaction, tenantId: string) =>
  ofTenant(tx, tenantId).where('accepted_at', 'is', null).where('expires_at', '>', tx.now)

export async function findOpenInvitation(
  tx: WriteTransaction,
  tenantId: string,
  organizationId: string | null,
  email: string,
): Promise<InvitationRecord | null> {
  const row = await openOnes(tx, tenantId)
    .where('organization_id', '=', organizationId ?? '')
    .where('email', '=', email)
    .executeTakeFirst()
  return row ? toInvitation(row) : null
}

export async function listOpenInvitationsWith(
  tx: WriteTransaction,
  tenantId: string,
  role: string,
): Promise<InvitationRecord[]> {
  return (await openOnes(tx, tenantId).where(hasRole(role)).execute()).map(toInvitation)
}

export type NewInvitation = Pick<
  InvitationRecord,
  'id' | 'organizationId' | 'email' | 'roles' | 'expiresAt'
> & {
  /** SHA-256 of the token. */
  readonly digest: Uint8Array
}

export async function addInvitation(
  tx: WriteTransaction,
  tenantId: string,
  { id, organizationId, email, roles, expiresAt, digest }: NewInvitation,
): Promise<void> {
  await tx.kysely
    .insertInto('invitations')
    .values({
      ...{ tenant_id: tenantId, id, organization_id: organizationId ?? '', email, digest },
      ...{ roles: writeJson(roles), expires_at: expiresAt, accepted_at: null, created_at: tx.now },
    })
    .execute()
}

export async function removeInvitation(tx: WriteTransaction, tenantId: string, id: string): Promise<void> {
  await tx.kysely.deleteFrom('invitations').where('tenant_id', '=', tenantId).where('id', '=', id).execute()
}
