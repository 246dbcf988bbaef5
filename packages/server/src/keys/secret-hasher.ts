/** How client secrets are kept: HMAC-SHA-256 under a pepper that is sealed by the master key, never the secret. */

import { createHash, createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import type { Database } from '../store/database.ts'
import { insertPepper, listPeppers } from '../store/peppers.ts'
import type { Sealer } from './sealing.ts'

const pepperBytes = 32
const contextOf = (version: number) => `pepper ${version}`

/** How a presented secret is compared with a stored verifier; imported hashes are further lines. */
export const verifierFormats = ['hmac-sha256', 'sha256'] as const
export type VerifierFormat = (typeof verifierFormats)[number]

export interface HashedSecret {
  readonly format: VerifierFormat
  readonly verifier: Uint8Array
  readonly pepperVersion: number
}

export interface SecretHasher {
  readonly currentVersion: number
  /** Of every pepper that this process holds. */
  readonly versions: readonly number[]
  /** For storing a new secret. */
  hash(tenantId: string, clientId: string, secret: string): HashedSecret
  /** The HMAC alone, under the pepper of `version`; null for a pepper this process does not hold. */
  compute(version: number, tenantId: string, clientId: string, secret: string): Buffer | null
}

/** Imported digests of high-entropy secrets: `sha256:<base64url>` in a blueprint. */
export const sha256 = (secret: string): Buffer => createHash('sha256').update(secret).digest()

/** In constant time: how much of a guess was right is nobody's business. */
export const sameVerifier = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && timingSafeEqual(one, other)

/** Reads the peppers, makes the first one on a new database, and fails if the master key cannot open them. */
export async function createSecretHasher(
  db: Database,
  sealer: Sealer,
  random: (bytes: number) => Uint8Array,
): Promise<SecretHasher> {
  const rows = await listPeppers(db)
  if (rows.length === 0) {
    const sealed = sealer.seal(random(pepperBytes), contextOf(1))
    await db.write((tx) => insertPepper(tx, { version: 1, sealed }))
    return createSecretHasher(db, sealer, random)
  }
  // A KeyObject makes createHmac five times as fast as a Buffer does on Node 24.
  const keys = new Map<number, KeyObject>(
    rows.map((row) => [row.version, createSecretKey(sealer.open(row.sealed, contextOf(row.version)))]),
  )
  const currentVersion = Math.max(...keys.keys())

  // The client's name is part of the message: equal secrets of two clients must not look equal in a dump.
  const compute: SecretHasher['compute'] = (version, tenantId, clientId, secret) => {
    const key = keys.get(version)
    return key ? createHmac('sha256', key).update(`${tenantId}\0${clientId}\0${secret}`).digest() : null
  }
  return {
    currentVersion,
    versions: [...keys.keys()],
    compute,
    hash(tenantId, clientId, secret) {
      const verifier = compute(currentVersion, tenantId, clientId, secret)
      if (!verifier) throw new Error('The current pepper is missing.')
      return { format: 'hmac-sha256', verifier, pepperVersion: currentVersion }
    },
  }
}
