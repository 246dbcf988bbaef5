/** How long credentials live: a new one beside the others, an end for those that are to go, and a switch. */

import { sql } from 'kysely'
import { credentialsChanged } from './client-credentials.ts'
import { addCredentials, type NewCredential, revokeCredential } from './credentials.ts'
import type { WriteTransaction } from './database.ts'

/** Throws `StoreConflict` if the app has one of that id, or does not exist. */
export async function addCredential(
  tx: WriteTransaction,
  tenantId: string,
  clientId: string,
  credential: NewCredential,
): Promise<void> {
  await addCredentials(tx, tenantId, [{ ...credential, clientId }])
}

/** What blueprints say of one beside its proof; what it proves with and whether it is out of use stays as it is. */
export async function declareCredential(
  tx: WriteTransaction,
  tenantId: string,
  clientId: string,
  { id, expiresAt, blueprint, sealedSecret }: DeclaredCredential,
): Promise<void> {
  await tx.kysely
    .updateTable('credentials')
    .set({
      ...{ expires_at: expiresAt, blueprint, updated_at: tx.now },
      ...(sealedSecret !== undefined && { sealed_secret: sealedSecret }),
    })
    .where('tenant_id', '=', tenantId)
    .where('client_id', '=', clientId)
    .where('id', '=', id)
    .execute()
  await credentialsChanged(tx, tenantId, clientId)
}

interface DeclaredCredential extends Pick<NewCredential, 'id'> {
  readonly expiresAt: number | null
  readonly blueprint: string
  /** Of the same secret; left out, it stays as it is. */
  readonly sealedSecret?: Uint8Array | null | undefined
}

/** Sets the ends of some credentials of an app; null takes an end away. Answers how many there are. */
export async function setExpiry(
  tx: WriteTransaction,
  tenantId: string,
  clientId: string,
  credentialIds: readonly string[],
  expiresAt: number | null,
): Promise<number> {
  // PostgreSQL has no empty list.
  if (credentialIds.length === 0) return 0
  const { numUpdatedRows } = await tx.kysely
    .updateTable('credentials')
    .set({ expires_at: expiresAt, updated_at: tx.now })
    .where('tenant_id', '=', tenantId)
    .where('client_id', '=', clientId)
    .where('id', 'in', credentialIds)
    .executeTakeFirst()
  await credentialsChanged(tx, tenantId, clientId)
  return Number(numUpdatedRows)
}

/** Switched off, what was got with it dies; switched on again, it stays dead. */
export async function disableCredential(
  tx: WriteTransaction,
  tenantId: string,
  clientId: string,
  credentialId: string,
  isDisabled: boolean,
): Promise<void> {
  const disabledAt = isDisabled ? sql<number>`coalesce(disabled_at, ${tx.now})` : null
  await tx.kysely
    .updateTable('credentials')
    .set({ disabled_at: disabledAt, updated_at: tx.now })
    .where('tenant_id', '=', tenantId)
    .where('client_id', '=', clientId)
    .where('id', '=', credentialId)
    .execute()
  await credentialsChanged(tx, tenantId, clientId)
  if (isDisabled) await revokeCredential(tx, tenantId, clientId, credentialId)
}
