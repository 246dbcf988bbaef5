/** The HMAC keys of client secrets, sealed; they belong to the installation, not to a tenant. */

import type { Database, WriteTransaction } from './database.ts'

export interface PepperRecord {
  readonly version: number
  readonly sealed: Uint8Array
  readonly createdAt: number
}

export async function listPeppers(db: Pick<Database, 'kysely'>): Promise<PepperRecord[]> {
  const rows = await db.kysely.selectFrom('peppers').selectAll().orderBy('version').execute()
  return rows.map((row) => ({ version: row.version, sealed: row.sealed, createdAt: row.created_at }))
}

/** False when the version exists: of two nodes that start at once, one makes the pepper and both use it. */
export async function insertPepper(
  tx: WriteTransaction,
  pepper: { readonly version: number; readonly sealed: Uint8Array },
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await tx.kysely
    .insertInto('peppers')
    .values({ version: pepper.version, sealed: pepper.sealed, created_at: tx.now })
    .onConflict((conflict) => conflict.column('version').doNothing())
    .executeTakeFirst()
  return numInsertedOrUpdatedRows !== 0n
}
