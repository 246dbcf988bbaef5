/** How commands that work on the store find it: `--data`, `--config`, or the environment. */

import { existsSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { readStoreLocation } from '../config.ts'
import { systemEffects } from '../effects.ts'
import { databaseFile, type OpenStore, openStore, type StoreLocation } from '../open-store.ts'
import { StoreRefused } from '../store/database.ts'
import { readConfigFile } from './config-file.ts'

export interface StoreOptions {
  readonly data?: string
  readonly config?: string
}

export const storeOptions = (command: Command): Command =>
  command
    .option('--data <folder>', 'the data folder of the embedded database (default: ./data)')
    .option('--config <file>', 'the configuration file of the server')

export function locateStore(options: StoreOptions): StoreLocation {
  return readStoreLocation({
    file: options.config === undefined ? null : readConfigFile(options.config),
    environment: process.env,
    flags: { data_folder: options.data },
    readFile: (path) => readFileSync(path, 'utf8'),
  })
}

/** Opens the store for the length of `work`. `mayCreate` for the one command that may begin a new database. */
export async function withStore<Result>(
  options: StoreOptions,
  work: (store: OpenStore) => Promise<Result>,
  { mayCreate = false } = {},
): Promise<Result> {
  const location = locateStore(options)
  if (!mayCreate && location.database_url === null && !existsSync(databaseFile(location.data_folder))) {
    throw new StoreRefused(
      `There is no database in ${location.data_folder}. Start the server first, or name another folder with --data.`,
    )
  }
  const store = await openStore(location, systemEffects)
  try {
    return await work(store)
  } finally {
    await store.db.close()
  }
}
