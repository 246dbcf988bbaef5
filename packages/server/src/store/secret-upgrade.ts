/** What a first use adds to a stored secret: of a foreign hash all that we keep of secrets, of an older one its index. */

import { credentialsChanged } from './client-credentials.ts'
import type { WriteTransaction } from './database.ts'

export interface SecretUpgrade {
  readonly tenantId: string
  readonly clientId: string
  readonly credentialId: string
  /** What must still stand there. */
  readonly from: { readonly format: string; readonly verifier: Uint8Array }
  readonly to: {
    readonly format: string
    readonly verifier: Uint8Array
    readonly pepperVersion: number
    readonly origin: Uint8Array
    readonly lookup: Uint8Array | null
  }
}

/** False if something else stands there by now: another request was first, or the secret was replaced. */
export async function upgradeSecret(tx: WriteTransaction, upgrade: SecretUpgrade): Promise<boolean> {
  const { tenantId, clientId, credentialId, from, to } = upgrade
  const { numUpdatedRows } = await tx.kysely
    .updateTable('credentials')
    .set({
      format: to.format,
      verifier: to.verifier,
      pepper_version: to.pepperVersion,
      origin: to.origin,
      lookup: to.lookup,
      updated_at: tx.now,
    })
    .where('tenant_id', '=', tenantId)
    .where('client_id', '=', clientId)
    .where('id', '=', credentialId)
    .where('format', '=', from.format)
    .where('verifier', '=', from.verifier)
    .executeTakeFirst()
  if (numUpdatedRows === 0n) return false
  await credentialsChanged(tx, tenantId, clientId)
  return true
}

export interface SecretIndex extends Omit<SecretUpgrade, 'to'> {
  readonly lookup: Uint8Array
}

/** False if there is one by now, or another secret. */
export async function indexSecret(tx: WriteTransaction, index: SecretIndex): Promise<boolean> {
  const { tenantId, clientId, credentialId, from, lookup } = index
  const { numUpdatedRows } = await tx.kysely
    .updateTable('credentials')
    .set({ lookup })
    .where('tenant_id', '=', tenantId)
    .where('client_id', '=', clientId)
    .where('id', '=', credentialId)
    .where('verifier', '=', from.verifier)
    .where('lookup', 'is', null)
    .executeTakeFirst()
  if (numUpdatedRows === 0n) return false
  await credentialsChanged(tx, tenantId, clientId)
  return true
}
