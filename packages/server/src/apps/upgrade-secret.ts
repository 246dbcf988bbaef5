/**
 * What is made of a stored secret on its first use, when it is known in clear: of a foreign hash one of ours, of one
 * without an index one with it. In the background, once, and only if nothing has changed.
 */

import { originOf } from '../keys/imported/origin.ts'
import { lookupOf, type SecretHasher } from '../keys/secret-hasher.ts'
import { type Database, StoreUnavailable } from '../store/database.ts'
import { indexSecret, upgradeSecret } from '../store/secret-upgrade.ts'
import type { Credential } from './client.ts'

export type UpgradeSecret = (
  tenantId: string,
  clientId: string,
  credential: Credential,
  secret: string,
) => void

export interface UpgradeDeps {
  readonly db: Database
  readonly hasher: SecretHasher
  readonly onUpgrade: (tenantId: string, clientId: string, credential: Credential) => void
  readonly onFailure: (error: unknown) => void
}

export function createSecretUpgrade({ db, hasher, onUpgrade, onFailure }: UpgradeDeps): UpgradeSecret {
  const underWay = new Set<string>()

  async function upgrade(tenantId: string, clientId: string, credential: Credential, secret: string) {
    const { id: credentialId, format, verifier, pepperVersion } = credential
    if (pepperVersion !== null) {
      const lookup = lookupOf(hasher, pepperVersion, secret)
      const index = { tenantId, clientId, credentialId, from: credential }
      if (lookup) await db.write((tx) => indexSecret(tx, { ...index, lookup }))
      return
    }
    const to = hasher.hash(tenantId, clientId, secret)
    const origin = originOf(hasher, to.pepperVersion, { tenantId, clientId, format, verifier })
    if (origin === null) return
    const change = { tenantId, clientId, credentialId, from: credential, to: { ...to, origin } }
    if (await db.write((tx) => upgradeSecret(tx, change))) onUpgrade(tenantId, clientId, credential)
  }

  return (tenantId, clientId, credential, secret) => {
    const name = `${tenantId} ${clientId} ${credential.id}`
    if (underWay.has(name)) return
    underWay.add(name)
    upgrade(tenantId, clientId, credential, secret)
      .catch((error: unknown) => {
        // The next use comes again.
        if (!(error instanceof StoreUnavailable)) onFailure(error)
      })
      .finally(() => underWay.delete(name))
  }
}
