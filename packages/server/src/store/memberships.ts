/** Who belongs where, and in which roles: users of a tenant, and apps of the system tenant. */

import { type Kysely, sql } from 'kysely'
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

/** Of one tenant, whose ids other tenants may use too: the tenant as a whole first, then organizations in order of id. */
export async function listMembershipsIn(
  { kysely }: From,
  tenantId: string,
  member: string,
  { after, limit }: { readonly after?: string | undefined; readonly limit?: number } = {},
): Promise<MembershipRecord[]> {
  let query = kysely
    .selectFrom('memberships')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('member', '=', member)
    .orderBy('organization_id')
  if (after !== undefined) query = query.where('organization_id', '>', after)
  if (limit !== undefined) query = query.limit(limit)
  return (await query.execute()).map(toMembership)
}

/** Whoever has the role, in the tenant and in its organizations. */
export async function listHolders(
  { kysely }: From,
  tenantId: string,
  role: string,
): Promise<MembershipRecord[]> {
  const rows = await kysely
    .selectFrom('memberships')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where(hasRole(role))
    .execute()
  return rows.map(toMembership)
}

/** In a list that is kept as JSON; ids of roles hold no quotes, but `_`, which `like` takes for any character. */
export const hasRole = (role: string) =>
  sql<boolean>`roles like ${`%"${role.replaceAll('_', '!_')}"%`} escape '!'`

/** Who is to go: one operator, or all whose apps are in an organization of the system tenant. */
type LeavingOperators = { readonly member: string } | { readonly organizationId: string }

/** Only an app that gets in until then counts: it alone can call, since users cannot sign in yet. */
export async function hasOtherOperator(
  { kysely }: From,
  leaving: LeavingOperators,
  until: number,
): Promise<boolean> {
  const isOther =
    'member' in leaving
      ? sql<boolean>`memberships.member <> ${leaving.member}`
      : sql<boolean>`apps.organization_id <> ${leaving.organizationId}`
  const other = await kysely
    .selectFrom('memberships')
    .innerJoin('apps', (join) => join.on(sql<boolean>`memberships.member = 'app ' || apps.client_id`))
    .innerJoin('organizations', (join) =>
      join
        .onRef('organizations.tenant_id', '=', 'apps.tenant_id')
        .onRef('organizations.id', '=', 'apps.organization_id'),
    )
    .select('memberships.member')
    .where('memberships.tenant_id', '=', 'system')
    .where('memberships.organization_id', '=', '')
    .where(isOther)
    .where(hasRole('operator'))
    .where('apps.tenant_id', '=', 'system')
    .where('apps.disabled_at', 'is', null)
    .where('organizations.disabled_at', 'is', null)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('credentials')
          .select('credentials.id')
          .whereRef('credentials.tenant_id', '=', 'apps.tenant_id')
          .whereRef('credentials.client_id', '=', 'apps.client_id')
          .where('credentials.disabled_at', 'is', null)
          .where((end) => end.or([end('expires_at', 'is', null), end('expires_at', '>=', until)])),
      ),
    )
    .limit(1)
    .executeTakeFirst()
  return other !== undefined
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
  { after, limit }: { readonly after?: string | undefined; readonly limit?: number } = {},
): Promise<MembershipRecord[]> {
  let query = inPlace(from, place).orderBy('member')
  if (after !== undefined) query = query.where('member', '>', after)
  if (limit !== undefined) query = query.limit(limit)
  return (await query.execute()).map(toMembership)
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

/** Wherever the member belongs. */
export async function removeMembershipsOf(tx: WriteTransaction, member: string): Promise<void> {
  await tx.kysely.deleteFrom('memberships').where('member', '=', member).execute()
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
