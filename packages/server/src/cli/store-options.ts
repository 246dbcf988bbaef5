/** How commands that work on the store find it: `--data`, `--config`, or the environment. */

import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { readStoreLocation, type StoreSettings } from '../config.ts'
import { systemEffects } from '../effects.ts'
import { isLostStore, isNewStore, type OpenStore, openStore, type StoreLocation } from '../open-store.ts'
import { StoreRefused } from '../store/database.ts'
import type { SchemaVersions } from '../store/migrations.ts'

export interface StoreOptions {
  readonly data?: string
  readonly config?: string
  readonly json?: boolean
}

export interface StoreUse {
  /** For the one command that may begin a new database. */
  readonly mayCreate?: boolean
  /** For those that begin what an upgrade begins; others refuse a database of an older release, and leave it as it is. */
  readonly mayMigrate?: boolean
  /** Whoever changes something is told where: the wrong database looks like the right one. */
  readonly isWriting?: boolean
}

export const storeOptions = (command: Command): Command =>
  command
    .option('--data <folder>', 'the data folder of the embedded database (default: ./data)')
    .option('--config <file>', 'the configuration file of the server')

export async function locateStore({ config, data }: StoreOptions): Promise<StoreSettings> {
  return readStoreLocation({
    file: config === undefined ? null : (await import('./config-file.ts')).readConfigFile(config),
    environment: process.env,
    flags: { data_folder: data },
    showFlag: () => '--data',
    readFile: (path) => readFileSync(path, 'utf8'),
  })
}

/** Never the whole URL: a password may stand in it. */
export function placeOf({ database_url: url, data_folder: folder }: StoreLocation): string {
  if (url === null) return folder
  const { hostname = '', pathname = '' } = URL.parse(url) ?? {}
  return `the PostgreSQL database ${[pathname.slice(1), hostname].filter((part) => part !== '').join(' on ')}`
}

/** What people read who have not started the server of the new release yet. */
export const migratedText = (place: string, { from, to }: SchemaVersions): string =>
  `Migrated ${place} from schema ${from} to ${to}: an older release cannot open it any more.`

const waitingText = (place: string): string => `Another process is migrating ${place}: waiting for it.`

/** Opens the store for the length of `work`. */
export async function withStore<Result>(
  options: StoreOptions,
  work: (store: OpenStore) => Promise<Result>,
  { mayCreate = false, mayMigrate = false, isWriting = false }: StoreUse = {},
): Promise<Result> {
  const location = await locateStore(options)
  const isNew = isNewStore(location)
  if (isNew && !mayCreate && !isLostStore(location)) {
    throw new StoreRefused(
      `There is no database in ${location.data_folder}. Start the server first, or name another folder with --data, or its configuration with --config.`,
    )
  }
  const store = await openStore(location, systemEffects, {
    mustBeCurrent: !mayMigrate,
    mayBegin: mayCreate,
    onWaiting: () => process.stderr.write(`${waitingText(placeOf(location))}\n`),
    onMigrated: (versions) => process.stderr.write(`${migratedText(placeOf(location), versions)}\n`),
  })
  if (isNew) process.stderr.write(`Made a new database in ${placeOf(location)}.\n`)
  else if (isWriting && !options.json) process.stderr.write(`In ${placeOf(location)}:\n`)
  try {
    return await work(store)
  } finally {
    await store.db.close()
  }
}
