/** What apps that have registered themselves say of themselves, and the digest of the token that lets them say it anew. */

import type { Kysely } from 'kysely'
import type { WriteTransaction } from './database.ts'
import { type JsonObject, readJson, writeJson } from './json.ts'
import type { RegistrationsTable, Schema } from './schema.ts'

export interface RegistrationRecord {
  readonly clientId: string
  /** The initial access token that it was made with, which may be gone. */
  readonly tokenId: string
  /** SHA-256 of its registration access token; empty where it has none any more. */
  readonly digest: Uint8Array
  /** Those of the initial access token, which hold for changes too. */
  readonly terms: unknown
  /** The metadata that an app has no place for. */
  readonly described: unknown
  readonly createdAt: number
}

const toRegistration = (row: RegistrationsTable): RegistrationRecord => ({
  ...{ clientId: row.client_id, tokenId: row.token_id, digest: row.digest, terms: readJson(row.terms) },
  ...{ described: readJson(row.described), createdAt: row.created_at },
})

const ofClient = ({ kysely }: { readonly kysely: Kysely<Schema> }, tenantId: string, clientId: string) =>
  kysely
    .selectFrom('registrations')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('client_id', '=', clientId)

export async function findRegistration(
  from: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  clientId: string,
): Promise<RegistrationRecord | null> {
  const row = await ofClient(from, tenantId, clientId).executeTakeFirst()
  return row ? toRegistration(row) : null
}

/** A wrong token finds nothing, as one for a client that nobody knows does, and takes as long. */
export async function findRegistrationByToken(
  from: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  clientId: string,
  digest: Uint8Array,
): Promise<RegistrationRecord | null> {
  const row = await ofClient(from, tenantId, clientId).where('digest', '=', digest).executeTakeFirst()
  return row ? toRegistration(row) : null
}

/** What is registered under this very token, at one tenant. */
export async function findRegistrationByDigest(
  { kysely }: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  digest: Uint8Array,
): Promise<RegistrationRecord | null> {
  const row = await kysely
    .selectFrom('registrations')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .where('digest', '=', digest)
    .executeTakeFirst()
  return row ? toRegistration(row) : null
}

/** The apps that have registered themselves, of all tenants. */
export const listRegistered = ({
  kysely,
}: {
  readonly kysely: Kysely<Schema>
}): Promise<{ readonly tenantId: string; readonly clientId: string }[]> =>
  kysely.selectFrom('registrations').select(['tenant_id as tenantId', 'client_id as clientId']).execute()

export async function addRegistration(
  tx: WriteTransaction,
  tenantId: string,
  registration: Omit<RegistrationRecord, 'createdAt' | 'terms' | 'described'> & {
    readonly terms: JsonObject
    readonly described: JsonObject
  },
): Promise<void> {
  await tx.kysely
    .insertInto('registrations')
    .values({
      ...{ tenant_id: tenantId, client_id: registration.clientId, token_id: registration.tokenId },
      ...{ digest: registration.digest, terms: writeJson(registration.terms) },
      ...{ described: writeJson(registration.described), created_at: tx.now },
    })
    .execute()
}

export async function describeRegistration(
  tx: WriteTransaction,
  tenantId: string,
  clientId: string,
  described: JsonObject,
): Promise<void> {
  await tx.kysely
    .updateTable('registrations')
    .set({ described: writeJson(described) })
    .where('tenant_id', '=', tenantId)
    .where('client_id', '=', clientId)
    .execute()
}

/** Another token, and the one before is good for nothing in the same moment. */
export async function replaceRegistrationAccess(
  tx: WriteTransaction,
  tenantId: string,
  clientId: string,
  digest: Uint8Array,
): Promise<void> {
  await tx.kysely
    .updateTable('registrations')
    .set({ digest })
    .where('tenant_id', '=', tenantId)
    .where('client_id', '=', clientId)
    .execute()
}

/** The app stays, and looks after itself no more until it is given another token: of none is the digest empty. */
export const endRegistrationAccess = (
  tx: WriteTransaction,
  tenantId: string,
  clientId: string,
): Promise<void> => replaceRegistrationAccess(tx, tenantId, clientId, new Uint8Array(0))
