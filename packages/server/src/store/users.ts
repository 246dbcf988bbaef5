/** People of a tenant. */

import type { Kysely } from 'kysely'
import type { WriteTransaction } from './database.ts'
import { cutOff } from './revocations.ts'
import type { Schema, UsersTable } from './schema.ts'

type From = { readonly kysely: Kysely<Schema> }

export interface UserRecord {
  readonly id: string
  /** In lower case. */
  readonly email: string
  readonly name: string
  readonly disabledAt: number | null
  readonly createdAt: number
  readonly updatedAt: number
}

const toUser = (row: UsersTable): UserRecord => ({
  ...{ id: row.id, email: row.email, name: row.name },
  ...{ disabledAt: row.disabled_at, createdAt: row.created_at, updatedAt: row.updated_at },
})

const ofTenant = ({ kysely }: From, tenantId: string) =>
  kysely.selectFrom('users').selectAll().where('tenant_id', '=', tenantId)

/** In order of id. */
export async function listUsers(
  from: From,
  tenantId: string,
  { after, limit, email }: { readonly after?: string; readonly limit: number; readonly email?: string },
): Promise<UserRecord[]> {
  let query = ofTenant(from, tenantId).orderBy('id').limit(limit)
  if (after !== undefined) query = query.where('id', '>', after)
  if (email !== undefined) query = query.where('email', '=', email)
  return (await query.execute()).map(toUser)
}

async function findUsers(from: From, tenantId: string, ids: readonly string[]): Promise<UserRecord[]> {
  // PostgreSQL has no empty list.
  if (ids.length === 0) return []
  return (await ofTenant(from, tenantId).where('id', 'in', ids).execute()).map(toUser)
}

export async function findUser(from: From, tenantId: string, id: string): Promise<UserRecord | null> {
  const [row] = await findUsers(from, tenantId, [id])
  return row ?? null
}

export async function findUserByEmail(
  from: From,
  tenantId: string,
  email: string,
): Promise<UserRecord | null> {
  const row = await ofTenant(from, tenantId).where('email', '=', email).executeTakeFirst()
  return row ? toUser(row) : null
}

type Person = Pick<UserRecord, 'id' | 'email' | 'name' | 'disabledAt'>

/** Throws `StoreConflict` for an id or an e-mail address that another user has. */
export async function addUser(
  tx: WriteTransaction,
  tenantId: string,
  { id, email, name, disabledAt }: Person,
): Promise<void> {
  const times = { disabled_at: disabledAt, created_at: tx.now, updated_at: tx.now }
  await tx.kysely
    .insertInto('users')
    .values({ tenant_id: tenantId, id, email, name, ...times })
    .execute()
}

/** Disabled, the tokens that speak for it die. Throws `StoreConflict` for an e-mail address that another user has. */
export async function updateUser(
  tx: WriteTransaction,
  tenantId: string,
  { id, email, name, disabledAt }: Person,
): Promise<void> {
  await tx.kysely
    .updateTable('users')
    .set({ email, name, disabled_at: disabledAt, updated_at: tx.now })
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .execute()
  if (disabledAt !== null) await cutOff(tx, tenantId, { kind: 'user', subjectId: id })
}

/** With its memberships; the tokens that speak for it die. */
export async function removeUser(tx: WriteTransaction, tenantId: string, id: string): Promise<void> {
  await tx.kysely
    .deleteFrom('memberships')
    .where('tenant_id', '=', tenantId)
    .where('member', '=', `user ${id}`)
    .execute()
  await tx.kysely.deleteFrom('users').where('tenant_id', '=', tenantId).where('id', '=', id).execute()
  await cutOff(tx, tenantId, { kind: 'user', subjectId: id })
}
