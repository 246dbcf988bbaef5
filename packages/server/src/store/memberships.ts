/** Who belongs where, and in which roles: users of a tenant, and apps of the system tenant. */

import type { Kysely } from 'kysely'
import type { WriteTransaction } from './database.ts'
import { readJson, writeJson } from './json.ts'
import type { MembershipsTable, Schema } from './schema.ts'

type From = { readonly kysely: Kysely<Schema> }

export interface MembershipRecord {
  readonly tenantId: string
  /** Null for the tenant as a whole. */
  readonly organizationId: string | null
  /** `user {id}`, or `app {client id}` of the system tenant. */
  readonly member: string
  readonly roles: readonly string[]
  readonly createdAt: number
  readonly updatedAt: number
}

const toMembership = (row: MembershipsTable): MembershipRecord => ({
  tenantId: row.tenant_id,
  organizationId: row.organization_id === '' ? null : row.organization_id,
  member: row.member,
  roles: readJson(row.roles) as string[],
  createdAt: row.created_at,
  updatedAt: row.updated_at,
})

/** Wherever the member belongs. */
export async function listMembershipsOf({ kysely }: From, member: string): Promise<MembershipRecord[]> {
  const rows = await kysely
    .selectFrom('memberships')
    .selectAll()
    .where('member', '=', member)
    .orderBy('tenant_id')
    .orderBy('organization_id')
    .execute()
  return rows.map(toMembership)
}

export interface MembershipPlace {
  readonly tenantId: string
  readonly organizationId: string | null
}

const inPlace = ({ kysely }: From, { tenantId, organizationId }: MembershipPlace) =>
  kysely
    .selectFrom('memberships')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('organization_id', '=', organizationId ?? '')

/** Of one place alone, in order of member. */
export async function listMembershipsAt(
  from: From,
  place: MembershipPlace,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<MembershipRecord[]> {
  const query = inPlace(from, place).orderBy('member').limit(limit)
  return (await (after === undefined ? query : query.where('member', '>', after)).execute()).map(toMembership)
}

export async function findMembership(
  from: From,
  place: MembershipPlace,
  member: string,
): Promise<MembershipRecord | null> {
  const row = await inPlace(from, place).where('member', '=', member).executeTakeFirst()
  return row ? toMembership(row) : null
}

export async function saveMembership(
  tx: WriteTransaction,
  { tenantId, organizationId }: MembershipPlace,
  member: string,
  roles: readonly string[],
): Promise<void> {
  const row = { roles: writeJson(roles), updated_at: tx.now }
  await tx.kysely
    .insertInto('memberships')
    .values({
      ...row,
      ...{ tenant_id: tenantId, organization_id: organizationId ?? '', member },
      created_at: tx.now,
    })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'organization_id', 'member']).doUpdateSet(row))
    .execute()
}

export async function removeMembership(
  tx: WriteTransaction,
  { tenantId, organizationId }: MembershipPlace,
  member: string,
): Promise<void> {
  await tx.kysely
    .deleteFrom('memberships')
    .where('tenant_id', '=', tenantId)
    .where('organization_id', '=', organizationId ?? '')
    .where('member', '=', member)
    .execute()
}
