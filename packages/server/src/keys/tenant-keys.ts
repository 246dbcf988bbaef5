/** The signers of one tenant; a key that its settings call for and nobody has made yet is made now. */

import type { Database } from '../store/database.ts'
import type { SigningKeyRecord } from '../store/signing-keys.ts'
import { listSigningKeys } from '../store/signing-keys.ts'
import type { TenantRecord } from '../store/tenants.ts'
import type { ApiSettings, TenantSettings } from '../tenants/settings.ts'
import { type OwnKey, ownKeyFrom } from './own-key.ts'
import type { Sealer } from './sealing.ts'
import type { Signer } from './signer.ts'
import { createSigningKey, type KeyNeed, publicJwkOf, signerFrom } from './signing-keys.ts'

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

/** One key for the tenant's algorithm, and one for each API that signs with its own. */
function keyNeeds(record: TenantRecord): KeyNeed[] {
  const settings = record.settings as TenantSettings
  const keyIdEncoding = settings.key_id ?? 'base64url'
  const own = record.apis.filter((api) => (api.settings as ApiSettings).signing_algorithm === 'HS512')
  return [
    { algorithm: settings.signing_algorithm ?? 'ES256', apiId: null, keyIdEncoding },
    ...own.map((api) => ({ algorithm: 'HS512', apiId: api.id, keyIdEncoding }) as const),
  ]
}

const meets = (record: SigningKeyRecord, need: KeyNeed) =>
  record.state === 'active' && record.algorithm === need.algorithm && record.apiId === need.apiId

async function ensureKeys(
  db: Database,
  sealer: Sealer,
  random: (bytes: number) => Uint8Array,
  record: TenantRecord,
  needs: readonly KeyNeed[],
): Promise<readonly SigningKeyRecord[]> {
  const missing = needs.filter((need) => !record.signingKeys.some((key) => meets(key, need)))
  if (missing.length === 0) return record.signingKeys
  await Promise.all(missing.map((need) => createSigningKey(db, sealer, random, record.id, need)))
  return listSigningKeys(db, record.id)
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
    const key = records.find((candidate) => meets(candidate, need))
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
