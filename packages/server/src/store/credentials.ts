/** Credentials of apps: never a secret, only what verifies one. A change of a credential is a change of its app. */

import { credentialSubject } from '@sallyport/protocol'
import { type Kysely, sql } from 'kysely'
import { credentialsChanged } from './client-credentials.ts'
import type { WriteTransaction } from './database.ts'
import { cutOff } from './revocations.ts'
import type { Schema } from './schema.ts'

export interface NewCredential {
  readonly id: string
  readonly format: string
  readonly verifier: Uint8Array
  readonly pepperVersion: number | null
  /** The clear secret, sealed; goes with the verifier: saved without it, it is gone. */
  readonly sealedSecret?: Uint8Array | null
  /** Left out, it stays as it is. */
  readonly lookup?: Uint8Array | null
  readonly expiresAt?: number | null
  readonly disabledAt?: number | null
  readonly blueprint?: string | null
}

/** Beside the key of its row. */
const columnsOf = (credential: NewCredential, now: number) => ({
  format: credential.format,
  verifier: credential.verifier,
  pepper_version: credential.pepperVersion,
  sealed_secret: credential.sealedSecret ?? null,
  expires_at: credential.expiresAt ?? null,
  disabled_at: credential.disabledAt ?? null,
  blueprint: credential.blueprint ?? null,
  updated_at: now,
  ...(credential.lookup !== undefined && { lookup: credential.lookup }),
})

/**
 * Throws `StoreConflict` for an app that does not exist. Exposure and last use stay as they are. Disabled, what was got
 * with it dies.
 */
export async function saveCredential(
  tx: WriteTransaction,
  tenantId: string,
  clientId: string,
  credential: NewCredential,
): Promise<void> {
  const row = columnsOf(credential, tx.now)
  await tx.kysely
    .insertInto('credentials')
    .values({ ...row, tenant_id: tenantId, client_id: clientId, id: credential.id, created_at: tx.now })
    .onConflict((conflict) => conflict.columns(['tenant_id', 'client_id', 'id']).doUpdateSet(row))
    .execute()
  await credentialsChanged(tx, tenantId, clientId)
  if (row.disabled_at !== null) await revokeCredential(tx, tenantId, clientId, credential.id)
}

/** A credential with the app whose it is. */
export interface NewAppCredential extends NewCredential {
  readonly clientId: string
}

/** Bound variables have a limit on both engines. */
const credentialsPerInsert = 500

/** Of any apps of the tenant. Throws `StoreConflict` if one of them has one of that id, or does not exist. */
export async function addCredentials(
  tx: WriteTransaction,
  tenantId: string,
  credentials: readonly NewAppCredential[],
): Promise<void> {
  for (let start = 0; start < credentials.length; start += credentialsPerInsert) {
    const piece = credentials.slice(start, start + credentialsPerInsert)
    const rows = piece.map((credential) => ({
      ...{ tenant_id: tenantId, client_id: credential.clientId, id: credential.id, created_at: tx.now },
      ...columnsOf(credential, tx.now),
    }))
    await tx.kysely.insertInto('credentials').values(rows).execute()
    const clientIds = new Set(piece.map(({ clientId }) => clientId))
    await credentialsChanged(tx, tenantId, ...clientIds)
  }
}

export const revokeCredential = (
  tx: WriteTransaction,
  tenantId: string,
  clientId: string,
  credentialId: string,
) => cutOff(tx, tenantId, { kind: 'credential', subjectId: credentialSubject(clientId, credentialId) })

/** What was got with it dies; its expiry alone kills nothing, so that secrets can be rotated without an outage. */
export async function removeCredential(
  tx: WriteTransaction,
  tenantId: string,
  clientId: string,
  credentialId: string,
): Promise<void> {
  await tx.kysely
    .deleteFrom('credentials')
    .where('tenant_id', '=', tenantId)
    .where('client_id', '=', clientId)
    .where('id', '=', credentialId)
    .execute()
  await credentialsChanged(tx, tenantId, clientId)
  await revokeCredential(tx, tenantId, clientId, credentialId)
}

/** Whether the app has one that is good from now until then. */
export async function hasLastingCredential(
  { kysely }: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  clientId: string,
  until: number,
): Promise<boolean> {
  const lasting = await kysely
    .selectFrom('credentials')
    .select('id')
    .where('tenant_id', '=', tenantId)
    .where('client_id', '=', clientId)
    .where('disabled_at', 'is', null)
    .where((end) => end.or([end('expires_at', 'is', null), end('expires_at', '>=', until)]))
    .limit(1)
    .executeTakeFirst()
  return lasting !== undefined
}

export interface CredentialUse {
  readonly tenantId: string
  readonly clientId: string
  readonly credentialId: string
  readonly lastUsedAt: number
}

/** Bound variables have a limit on both engines. */
const usesPerStatement = 1000

/** Only ever forward in time; credentials that are gone are passed over. No change: nothing caches a last use. */
export async function touchLastUsed(tx: WriteTransaction, uses: readonly CredentialUse[]): Promise<void> {
  for (let start = 0; start < uses.length; start += usesPerStatement) {
    const rows = uses
      .slice(start, start + usesPerStatement)
      .map(
        (use) =>
          sql`(${use.tenantId}, ${use.clientId}, ${use.credentialId}, cast(${use.lastUsedAt} as bigint))`,
      )
    // Both engines name the columns of a bare VALUES column1, column2 and so on.
    await sql`update credentials set last_used_at = used.column4
      from (values ${sql.join(rows)}) as used
      where tenant_id = used.column1 and client_id = used.column2 and id = used.column3
        and (last_used_at is null or last_used_at < used.column4)`.execute(tx.kysely)
  }
}

export interface CredentialRecord {
  readonly clientId: string
  readonly id: string
  readonly format: string
  readonly pepperVersion: number | null
  readonly expiresAt: number | null
  readonly disabledAt: number | null
  readonly exposedAt: number | null
  readonly exposedBy: string | null
  readonly lastUsedAt: number | null
  readonly blueprint: string | null
  readonly createdAt: number
  readonly updatedAt: number
  /** What verifies it, where that is no secret. */
  readonly publicProof: Uint8Array | null
}

/** What an auditor may read; a list of those that may, so that a new kind of secret is none of them. */
const publicFormats = ['jwk', 'jwks_uri', 'certificate', 'federation']

/** Without what verifies secrets; of one app, or of all. */
export async function listCredentials(
  from: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  clientId?: string,
): Promise<CredentialRecord[]> {
  const ofTenant = selectCredentials(from.kysely, tenantId)
  const rows = await (clientId === undefined
    ? ofTenant
    : ofTenant.where('client_id', '=', clientId)
  ).execute()
  return rows.map((row) => ({ ...row }))
}

/** Of so many apps as one statement takes: each is a bound variable, and both engines have a limit of those. */
export async function listCredentialsOf(
  from: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  clientIds: readonly string[],
): Promise<CredentialRecord[]> {
  if (clientIds.length === 0) return []
  const rows = await selectCredentials(from.kysely, tenantId).where('client_id', 'in', clientIds).execute()
  return rows.map((row) => ({ ...row }))
}

const selectCredentials = (kysely: Kysely<Schema>, tenantId: string) =>
  kysely
    .selectFrom('credentials')
    .select([
      'client_id as clientId',
      'id',
      'format',
      'pepper_version as pepperVersion',
      'expires_at as expiresAt',
    ])
    .select(['disabled_at as disabledAt', 'exposed_at as exposedAt', 'exposed_by as exposedBy'])
    .select(['last_used_at as lastUsedAt', 'blueprint', 'created_at as createdAt', 'updated_at as updatedAt'])
    .select((row) =>
      row.case().when('format', 'in', publicFormats).then(row.ref('verifier')).end().as('publicProof'),
    )
    .where('tenant_id', '=', tenantId)
    .orderBy('client_id')
    .orderBy('id')

export interface StoredProof {
  readonly id: string
  readonly format: string
  readonly verifier: Uint8Array
}

/** What the credentials of one app prove with. */
export const listProofs = (
  from: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  clientId: string,
): Promise<StoredProof[]> =>
  from.kysely
    .selectFrom('credentials')
    .select(['id', 'format', 'verifier'])
    .where('tenant_id', '=', tenantId)
    .where('client_id', '=', clientId)
    .orderBy('id')
    .execute()
