/** Initial access tokens (RFC 7591 §1.2): each makes so many apps of one organization and no more. Only a digest is kept. */

import type { Kysely } from 'kysely'
import type { WriteTransaction } from './database.ts'
import { type JsonObject, readJson, writeJson } from './json.ts'
import { isMadeAfter, type MadePlace } from './made-after.ts'
import type { RegistrationTokensTable, Schema } from './schema.ts'

type From = { readonly kysely: Kysely<Schema> }

export interface RegistrationTokenRecord {
  readonly id: string
  readonly organizationId: string
  readonly name: string
  readonly terms: unknown
  /** How many apps it can make in all, and how many it has made. */
  readonly registrations: number
  readonly registered: number
  readonly expiresAt: number
  readonly createdAt: number
}

const toRegistrationToken = (row: RegistrationTokensTable): RegistrationTokenRecord => ({
  ...{ id: row.id, organizationId: row.organization_id, name: row.name, terms: readJson(row.terms) },
  ...{ registrations: row.registrations, registered: row.registered },
  ...{ expiresAt: row.expires_at, createdAt: row.created_at },
})

const ofTenant = ({ kysely }: From, tenantId: string) =>
  kysely.selectFrom('registration_tokens').selectAll().where('tenant_id', '=', tenantId)

export interface RegistrationTokenQuery {
  readonly after: MadePlace | undefined
  readonly limit: number
  readonly organizationId: string
}

/** In the order in which they were made. */
export async function listRegistrationTokens(
  from: From,
  tenantId: string,
  { after, limit, organizationId }: RegistrationTokenQuery,
): Promise<RegistrationTokenRecord[]> {
  let query = ofTenant(from, tenantId)
    .where('organization_id', '=', organizationId)
    .orderBy('created_at')
    .orderBy('id')
    .limit(limit)
  if (after !== undefined) query = query.where(isMadeAfter(after))
  return (await query.execute()).map(toRegistrationToken)
}

export async function findRegistrationToken(
  from: From,
  tenantId: string,
  id: string,
): Promise<RegistrationTokenRecord | null> {
  const row = await ofTenant(from, tenantId).where('id', '=', id).executeTakeFirst()
  return row ? toRegistrationToken(row) : null
}

export async function findRegistrationTokenByDigest(
  from: From,
  tenantId: string,
  digest: Uint8Array,
): Promise<RegistrationTokenRecord | null> {
  const row = await ofTenant(from, tenantId).where('digest', '=', digest).executeTakeFirst()
  return row ? toRegistrationToken(row) : null
}

/** Whether the tenant has given any out, used up or not: what its metadata says hangs on it. */
export async function hasRegistrationTokens({ kysely }: From, tenantId: string): Promise<boolean> {
  const row = await kysely
    .selectFrom('registration_tokens')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

export type NewRegistrationToken = Pick<
  RegistrationTokenRecord,
  'id' | 'organizationId' | 'name' | 'registrations' | 'expiresAt'
> & {
  readonly terms: JsonObject
  /** SHA-256 of the token. */
  readonly digest: Uint8Array
}

export async function addRegistrationToken(
  tx: WriteTransaction,
  tenantId: string,
  { id, organizationId, name, terms, digest, registrations, expiresAt }: NewRegistrationToken,
): Promise<void> {
  await tx.kysely
    .insertInto('registration_tokens')
    .values({
      ...{ tenant_id: tenantId, id, organization_id: organizationId, name, digest, registrations },
      ...{ terms: writeJson(terms), registered: 0, expires_at: expiresAt, created_at: tx.now },
    })
    .execute()
  tx.append({ tenantId, noun: 'tenant', subjectId: tenantId })
}

/** Of several who use the last registration at once the first has it: the others get null. */
export async function takeRegistration(
  tx: WriteTransaction,
  tenantId: string,
  digest: Uint8Array,
): Promise<RegistrationTokenRecord | null> {
  const row = await tx.kysely
    .updateTable('registration_tokens')
    .set((token) => ({ registered: token('registered', '+', 1) }))
    .where('tenant_id', '=', tenantId)
    .where('digest', '=', digest)
    .where('expires_at', '>', tx.now)
    .whereRef('registered', '<', 'registrations')
    .returningAll()
    .executeTakeFirst()
  return row ? toRegistrationToken(row) : null
}

export async function removeRegistrationToken(
  tx: WriteTransaction,
  tenantId: string,
  id: string,
): Promise<void> {
  await tx.kysely
    .deleteFrom('registration_tokens')
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .execute()
  tx.append({ tenantId, noun: 'tenant', subjectId: tenantId })
}

/** Of an organization that goes. */
export async function removeRegistrationTokens(
  tx: WriteTransaction,
  tenantId: string,
  organizationId: string,
): Promise<void> {
  const { numDeletedRows } = await tx.kysely
    .deleteFrom('registration_tokens')
    .where('tenant_id', '=', tenantId)
    .where('organization_id', '=', organizationId)
    .executeTakeFirst()
  if (numDeletedRows > 0n) tx.append({ tenantId, noun: 'tenant', subjectId: tenantId })
}
