/** Whose a generated secret is, when nothing but the secret is known. */

import { lookupOf, type SecretHasher, sameVerifier } from '../keys/secret-hasher.ts'
import type { Database } from '../store/database.ts'
import { findByLookup, type IndexedSecret } from '../store/leaked-secrets.ts'

export interface OwnerDeps {
  readonly db: Pick<Database, 'kysely'>
  readonly hasher: SecretHasher
}

export interface OwnedSecret extends IndexedSecret {
  readonly secret: string
}

/** In one look at the store; none for a secret that is not ours, without a look if its prefix or checksum says so. */
export async function findOwners(
  secrets: readonly string[],
  { db, hasher }: OwnerDeps,
): Promise<OwnedSecret[]> {
  // Of anything but a generated secret there is no lookup, and then nothing is asked for.
  const lookups = secrets.flatMap((secret) =>
    hasher.versions.flatMap((version) => lookupOf(hasher, version, secret) ?? []),
  )
  const found = await findByLookup(db, lookups)
  return found.flatMap((one) =>
    secrets.filter((secret) => isOf(secret, one, hasher)).map((secret) => ({ ...one, secret })),
  )
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
