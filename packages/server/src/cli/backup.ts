/** `sallyport backup FILE`: a copy of the embedded database while servers write to it; never the master key. */

import { chmodSync, closeSync, existsSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { ConfigRefused } from '../config.ts'
import { systemEffects } from '../effects.ts'
import { databaseFile, isNewStore, masterKeyPath, type StoreLocation } from '../open-store.ts'
import { StoreRefused } from '../store/database.ts'
import { type CopyProgress, checkSqliteCopy, copySqlite } from '../store/sqlite-copy.ts'
import { flushFile, flushFolder } from './flush.ts'
import { locateStore, type StoreOptions, storeOptions } from './store-options.ts'

interface BackupOptions extends StoreOptions {
  readonly yes?: boolean
}

export function registerBackup(command: Command): void {
  command
    .option('--yes', 'replace a file that is there already')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nServers go on meanwhile. The master key is not in it, and is not needed to make it: keep it apart.',
    )
  storeOptions(command).action(async (file: string, options: BackupOptions) => {
    const location = await locateStore(options)
    refusePostgres(location)
    if (!existsSync(dirname(file))) throw new ConfigRefused(`There is no folder ${dirname(file)}.`)
    if (existsSync(file)) checkReplaced(file, location, options)
    await makeBackup(location, file, options)
    process.stdout.write(options.json ? jsonOf(file) : textOf(file, location))
  })
}

function refusePostgres({ database_url: url }: StoreLocation): void {
  if (url === null) return
  throw new ConfigRefused(
    'PostgreSQL has tools of its own: `pg_dump --format=custom --file=FILE "$SALLYPORT_DATABASE_URL"` copies one moment while servers run, and pg_basebackup the whole of a PostgreSQL server. The master key is in neither: keep it apart.',
  )
}

/** `--yes` is for an older backup: a slip must cost nobody the database itself, its key, or anything else. */
function checkReplaced(file: string, location: StoreLocation, { yes }: BackupOptions): void {
  if (isSameFile(file, databaseFile(location.data_folder)) || isInUse(resolve(file)))
    throw new ConfigRefused(`${file} is a database that servers write to, and no backup. Name another file.`)
  if (!isSqlite(file))
    throw new ConfigRefused(`${file} is no backup, and is not replaced. Name another file.`)
  if (!yes)
    throw new ConfigRefused(`There is a file ${file} already. Name another, or say --yes to replace it.`)
}

function isSameFile(one: string, other: string): boolean {
  if (!existsSync(other)) return false
  const [a, b] = [statSync(one), statSync(other)]
  return a.ino === b.ino && a.dev === b.dev
}

/** What writes to a database keeps its log beside it, and its key; a backup is one file. */
const isInUse = (file: string): boolean =>
  ['-wal', '-shm'].some((end) => existsSync(file + end)) ||
  (file === databaseFile(dirname(file)) && existsSync(masterKeyPath(dirname(file))))

const sqliteHeader = 'SQLite format 3\0'

function isSqlite(file: string): boolean {
  if (!statSync(file).isFile()) return false
  const descriptor = openSync(file, 'r')
  try {
    const start = Buffer.alloc(sqliteHeader.length)
    readSync(descriptor, start)
    return start.toString('latin1') === sqliteHeader
  } finally {
    closeSync(descriptor)
  }
}

/** Under its name only when it is whole: what is killed before leaves a file that ends in `.unfinished`. */
async function makeBackup(location: StoreLocation, file: string, { json }: BackupOptions): Promise<void> {
  const from = databaseFile(location.data_folder)
  if (isNewStore(location))
    throw new StoreRefused(
      `There is no database in ${location.data_folder}. Name another folder with --data, or the configuration of its server with --config.`,
    )
  const unfinished = `${file}.${Buffer.from(systemEffects.random(4)).toString('hex')}.unfinished`
  try {
    closeSync(openSync(unfinished, 'wx', 0o600))
    await copySqlite(from, unfinished, json ? undefined : progressOn(process.stderr))
    checkSqliteCopy(unfinished, from)
    chmodSync(unfinished, 0o600)
    flushFile(unfinished)
    renameSync(unfinished, file)
    flushFolder(dirname(file))
  } finally {
    rmSync(unfinished, { force: true })
  }
}

const shownEveryMilliseconds = 1000

/** A line a second: nothing is said of what is done within the first. */
function progressOn(output: NodeJS.WritableStream): (progress: CopyProgress) => void {
  let shownAt = systemEffects.elapsed()
  return ({ donePages, totalPages }) => {
    if (systemEffects.elapsed() - shownAt < shownEveryMilliseconds) return
    shownAt = systemEffects.elapsed()
    output.write(`${Math.floor((donePages / totalPages) * 100)} % copied\n`)
  }
}

const jsonOf = (file: string): string =>
  `${JSON.stringify({ file, bytes: statSync(file).size, holds_master_key: false })}\n`

const textOf = (file: string, { data_folder: folder, master_key: key }: StoreLocation): string =>
  `The database is in ${file}: ${statSync(file).size} bytes, checked, and for you alone to read.
The master key is not in it, and without the key it is of no use. Keep ${
    key === null ? `a copy of ${masterKeyPath(folder)}` : 'the master key of your configuration'
  } somewhere else.
`
