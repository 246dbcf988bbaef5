/** Opens the database that the configuration names, with the keys that unseal what is in it. */

import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Effects } from './effects.ts'
import { createSealer, SealBroken, type Sealer } from './keys/sealing.ts'
import { checkPeppers, createSecretHasher, type SecretHasher } from './keys/secret-hasher.ts'
import { masterKeyFile, parseMasterKeys, readMasterKeys } from './master-key.ts'
import { type Database, StoreRefused } from './store/database.ts'
import type { SchemaUse } from './store/migrations.ts'

export interface StoreLocation {
  readonly data_folder: string
  /** PostgreSQL, instead of the file in `data_folder`. */
  readonly database_url: string | null
  /** Instead of the key file in `data_folder`. */
  readonly master_key: string | null
}

export interface OpenStore {
  readonly db: Database
  readonly sealer: Sealer
  readonly hasher: SecretHasher
}

export const databaseFile = (folder: string) => join(folder, 'sallyport.db')
export const masterKeyPath = (folder: string) => join(folder, 'master.key')

/** SQLite fills the file before anything can be sealed: an empty one is what a start that was cut short has left. */
export const hasDatabase = (folder: string): boolean =>
  (statSync(databaseFile(folder), { throwIfNoEntry: false })?.size ?? 0) > 0

/** Whether opening it makes a new embedded database. */
export const isNewStore = ({ database_url: url, data_folder: folder }: StoreLocation): boolean =>
  url === null && !hasDatabase(folder)

/** A key without its database: `openStore` refuses it, and says what to do. */
export const isLostStore = (location: StoreLocation): boolean =>
  isNewStore(location) &&
  location.master_key === null &&
  (statSync(masterKeyPath(location.data_folder), { throwIfNoEntry: false })?.size ?? 0) > 0

interface OwnSealer {
  readonly sealer: Sealer
  /** Whoever has made a database with it says so. */
  keep(): void
}

function sealerFor(location: StoreLocation, { random }: Effects): OwnSealer {
  if (location.master_key !== null) {
    return { sealer: createSealer(parseMasterKeys(location.master_key), random), keep() {} }
  }
  if (location.database_url !== null) {
    throw new StoreRefused(
      'With PostgreSQL the master key must be given: set SALLYPORT_MASTER_KEY or SALLYPORT_MASTER_KEY_FILE.',
    )
  }
  const folder = location.data_folder
  const file = masterKeyPath(folder)
  const { keys, keep } = masterKeyFile(file, () => hasDatabase(folder), random)
  // `sallyport keys rotate-master` replaces it under running servers.
  return { sealer: createSealer(keys, random, () => readMasterKeys(file)), keep }
}

/** The driver that is not used is not loaded. */
async function openDatabase(
  location: StoreLocation,
  options: SchemaUse & Pick<Effects, 'clock'>,
): Promise<Database> {
  if (location.database_url !== null) {
    const { openPostgres } = await import('./store/postgres.ts')
    return openPostgres({ url: location.database_url, ...options })
  }
  const { openSqlite } = await import('./store/sqlite.ts')
  return openSqlite({ file: databaseFile(location.data_folder), ...options })
}

export async function openStore(
  location: StoreLocation,
  effects: Effects,
  schema: SchemaUse = {},
): Promise<OpenStore> {
  const { sealer, keep } = sealerFor(location, effects)
  try {
    const db = await openDatabase(location, {
      ...schema,
      clock: effects.clock,
      async beforeMigrating(found) {
        // With the wrong key the older release must find its database as it was.
        if (found.version > 0) await checkPeppers(found, sealer)
        await schema.beforeMigrating?.(found)
      },
    })
    const hasher = await createSecretHasher(db, sealer, effects.random).catch(async (error) => {
      await db.close()
      throw error
    })
    keep()
    return { db, sealer, hasher }
  } catch (error) {
    if (error instanceof SealBroken)
      throw new StoreRefused(
        `${error.message} Give back the key this database was made with, or restore a backup.`,
      )
    throw error
  }
}
