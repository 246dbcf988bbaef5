/** Whose a generated secret is, when nothing but the secret is known. */

import { lookupOf, type SecretHasher, sameVerifier } from '../keys/secret-hasher.ts'
import type { Database } from '../store/database.ts'
import { findByLookup, type IndexedSecret } from '../store/leaked-secrets.ts'

export interface OwnerDeps {
  readonly db: Pick<Database, 'kysely'>
  readonly hasher: SecretHasher
}

/** None for a secret that is not ours; without a look at the store if its prefix or checksum says so. */
export async function findOwners(secret: string, { db, hasher }: OwnerDeps): Promise<IndexedSecret[]> {
  // Of anything but a generated secret there is no lookup, and then nothing is asked for.
  const lookups = hasher.versions.flatMap((version) => lookupOf(hasher, version, secret) ?? [])
  return (await findByLookup(db, lookups)).filter((one) => isOf(secret, one, hasher))
}

/** The index says where to look, and the verifier says yes. */
function isOf(
  secret: string,
  { tenantId, clientId, verifier, pepperVersion }: IndexedSecret,
  hasher: SecretHasher,
): boolean {
  const mac = hasher.compute(pepperVersion, tenantId, clientId, secret)
  return mac !== null && sameVerifier(mac, verifier)
}
