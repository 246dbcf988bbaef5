/** The signers of one tenant; a key that its settings call for and nobody has made yet is made now. */

import type { Database } from '../store/database.ts'
import { listSigningKeys, type SigningKeyRecord } from '../store/signing-keys.ts'
import type { TenantRecord } from '../store/tenants.ts'
import { recordKeyChanges } from './key-records.ts'
import { type OwnKey, ownKeyFrom } from './own-key.ts'
import { signingKeyOf, signingSettings, signingSlots } from './rotation-schedule.ts'
import type { Sealer } from './sealing.ts'
import type { Signer } from './signer.ts'
import { generateSigningKey, type KeyNeed, keepSigningKey, publicJwkOf, signerFrom } from './signing-keys.ts'

export interface TenantKeys {
  readonly tenantSigner: Signer
  /** By the API that signs with a key of its own. */
  readonly apiSigners: ReadonlyMap<string, Signer>
  readonly publicJwks: readonly Readonly<Record<string, string>>[]
  /** Every key whose tokens may still be good, the symmetric ones too. */
  readonly verifiers: readonly OwnKey[]
  /** True if the record that they were loaded for did not hold all of them. */
  readonly areNew: boolean
}

/** One key for the tenant, and one for each API that signs with its own. */
function keyNeeds(record: TenantRecord): KeyNeed[] {
  const settings = signingSettings(record)
  return signingSlots(settings).map((slot) => ({ ...slot, keyIdEncoding: settings.keyIdEncoding }))
}

/**
 * At once only where nobody signs yet. Another algorithm's key would be unknown to verifiers: until it has been
 * published for long enough, the one before signs on (`rotation.ts`).
 */
async function ensureKeys(
  db: Database,
  sealer: Sealer,
  random: (bytes: number) => Uint8Array,
  record: TenantRecord,
  needs: readonly KeyNeed[],
): Promise<readonly SigningKeyRecord[]> {
  const missing = needs.filter((need) => signingKeyOf(record.signingKeys, need) === undefined)
  if (missing.length === 0) return record.signingKeys
  const made = await Promise.all(missing.map((need) => generateSigningKey(need, random)))
  // Two nodes may try at once: one insert wins, and the loser's key is forgotten.
  for (const key of made)
    await db.write(async (tx) => {
      if (await keepSigningKey(tx, sealer, record.id, key, 'active'))
        recordKeyChanges(tx, { tenantId: record.id, by: 'server' }, [{ ...key, from: null, to: 'active' }])
    })
  return (await listSigningKeys(db, record.id)).filter(({ state }) => state !== 'retired')
}

export async function loadTenantKeys(
  db: Database,
  sealer: Sealer,
  random: (bytes: number) => Uint8Array,
  record: TenantRecord,
): Promise<TenantKeys> {
  const needs = keyNeeds(record)
  const records = await ensureKeys(db, sealer, random, record, needs)
  const signers = needs.map((need) => {
    const key = signingKeyOf(records, need)
    if (!key) throw new Error(`Tenant ${record.id} has no active ${need.algorithm} key.`)
    return [need.apiId, signerFrom(sealer, record.id, key)] as const
  })
  const [[, tenantSigner] = [null, null]] = signers
  if (!tenantSigner) throw new Error(`Tenant ${record.id} has no signing key.`)
  return {
    tenantSigner,
    apiSigners: new Map(
      signers.flatMap(([apiId, signer]) => (apiId === null ? [] : [[apiId, signer] as const])),
    ),
    publicJwks: records.map(publicJwkOf).filter((jwk) => jwk !== null),
    verifiers: records.map((key) => ownKeyFrom(sealer, record.id, key)),
    areNew: records !== record.signingKeys,
  }
}
