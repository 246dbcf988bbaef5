/** Signing keys of tenants, sealed; for each algorithm, and each API that has its own, one active and one next. */

import type { Kysely } from 'kysely'
import type { Database, WriteTransaction } from './database.ts'
import { readJson, writeJson } from './json.ts'
import type { Schema, SigningKeysTable } from './schema.ts'

export type SigningKeyState = SigningKeysTable['state']

export interface SigningKeyRecord {
  readonly kid: string
  readonly algorithm: string
  /** Set for a symmetric key, which belongs to one API. */
  readonly apiId: string | null
  readonly state: SigningKeyState
  readonly publicJwk: Readonly<Record<string, string>> | null
  readonly sealed: Uint8Array
  /** How long any token that it signs may live; null once that has no bound, 0 where nobody has noted it. */
  readonly longestTokenSeconds: number | null
  readonly createdAt: number
  /** Since when it is in its state. */
  readonly updatedAt: number
}

export type NewSigningKey = Omit<SigningKeyRecord, 'longestTokenSeconds' | 'createdAt' | 'updatedAt'> & {
  readonly longestTokenSeconds?: number | null
}

/** The retired too, oldest first. */
export const listSigningKeys = (db: Database, tenantId: string): Promise<SigningKeyRecord[]> =>
  selectSigningKeys(db.kysely, tenantId)

export async function selectSigningKeys(
  kysely: Kysely<Schema>,
  tenantId: string,
): Promise<SigningKeyRecord[]> {
  const rows = await kysely
    .selectFrom('signing_keys')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .orderBy('created_at')
    .orderBy('kid')
    .execute()
  return rows.map((row) => ({
    kid: row.kid,
    algorithm: row.algorithm,
    apiId: row.api_id,
    state: row.state,
    // Only public keys of this store's own making are in the column.
    publicJwk: row.public_jwk === null ? null : (readJson(row.public_jwk) as Record<string, string>),
    sealed: row.sealed,
    longestTokenSeconds: row.longest_token_seconds,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }))
}

/** False when the place is taken: of two nodes that start at once, one makes the key and both use it. */
export async function insertSigningKey(
  tx: WriteTransaction,
  tenantId: string,
  key: NewSigningKey,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx.kysely
    .insertInto('signing_keys')
    .values({
      tenant_id: tenantId,
      kid: key.kid,
      algorithm: key.algorithm,
      api_id: key.apiId,
      state: key.state,
      public_jwk: key.publicJwk === null ? null : writeJson(key.publicJwk),
      sealed: key.sealed,
      longest_token_seconds: key.longestTokenSeconds === undefined ? 0 : key.longestTokenSeconds,
      created_at: tx.now,
      updated_at: tx.now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  if (numInsertedOrUpdatedRows === 0n) return false
  tx.append({ tenantId, noun: 'tenant', subjectId: tenantId })
  return true
}

/** One step of a rotation; false when the key was not in the state it should leave. Retire before you activate. */
export async function moveSigningKey(
  tx: WriteTransaction,
  tenantId: string,
  kid: string,
  from: SigningKeyState,
  to: SigningKeyState,
): Promise<boolean> {
  const { numUpdatedRows } = await tx.kysely
    .updateTable('signing_keys')
    .set({ state: to, updated_at: tx.now })
    .where('tenant_id', '=', tenantId)
    .where('kid', '=', kid)
    .where('state', '=', from)
    .executeTakeFirst()
  if (numUpdatedRows === 0n) return false
  tx.append({ tenantId, noun: 'tenant', subjectId: tenantId })
  return true
}

/**
 * Never lowers it: what has been signed under earlier settings lives on. False where it is as long already. Nobody's
 * memory holds it, so nobody is told.
 */
export async function prolongSigningKey(
  tx: WriteTransaction,
  tenantId: string,
  kid: string,
  longestTokenSeconds: number | null,
): Promise<boolean> {
  const { numUpdatedRows } = await tx.kysely
    .updateTable('signing_keys')
    .set({ longest_token_seconds: longestTokenSeconds })
    .where('tenant_id', '=', tenantId)
    .where('kid', '=', kid)
    .where((eb) =>
      longestTokenSeconds === null
        ? eb('longest_token_seconds', 'is not', null)
        : eb('longest_token_seconds', '<', longestTokenSeconds),
    )
    .executeTakeFirst()
  return numUpdatedRows > 0n
}
