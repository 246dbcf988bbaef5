/** `sallyport restore FILE`: a backup in the place of the embedded database; `--after` where something else has put one back. */

import type { Command } from 'commander'
import { headText } from '../audit/head-text.ts'
import { ConfigRefused } from '../config.ts'
import { systemEffects } from '../effects.ts'
import { instantText } from '../inspect/instant-text.ts'
import { createSealer, type Sealer } from '../keys/sealing.ts'
import { parseMasterKeys, readMasterKeys } from '../master-key.ts'
import {
  databaseFile,
  hasDatabase,
  masterKeyPath,
  type OpenStore,
  type StoreLocation,
} from '../open-store.ts'
import { StoreRefused } from '../store/database.ts'
import { commandActor } from './actor.ts'
import { type AfterRestore, finishRestore } from './after-restore.ts'
import { hasLogAlone, type PutBack, putBack } from './put-back.ts'
import { locateStore, type StoreOptions, storeOptions, withStore } from './store-options.ts'

interface RestoreOptions extends StoreOptions {
  readonly after?: boolean
  readonly keepTokens?: boolean
  readonly yes?: boolean
}

export function registerRestore(command: Command): void {
  command
    .option('--after', 'the database was put back by other means, such as pg_restore: do what must follow')
    .option('--keep-tokens', 'nothing was revoked since the backup: let the tokens of that time live')
    .option('--yes', 'replace a database that is there already; it is kept beside')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nStop the servers before, and have the master key of the backup in its place.\n' +
        'Every token issued until now is dead afterwards, as what was revoked after the backup cannot be known.',
    )
  storeOptions(command).action((file: string | undefined, options: RestoreOptions) => {
    if ((file === undefined) !== (options.after === true))
      throw new ConfigRefused(
        'Name the backup, or say --after where the database was put back by other means.',
      )
    return file === undefined ? afterwards(options) : restore(file, options)
  })
}

const waysOf = ({ keepTokens = false }: RestoreOptions) => ({ keepTokens, by: commandActor('restore') })

async function afterwards(options: RestoreOptions): Promise<void> {
  // Whatever put it back has asked no older database.
  const finish = ({ db }: OpenStore) => finishRestore(db, { ...waysOf(options), knowsUses: false })
  // What was put back may be of an older release, as with a backup that is named.
  const after = await withStore(options, finish, { isWriting: true, mayMigrate: true })
  print(options, jsonOf(after), [...factsOf(after), ...usesOf(after), ...adviceOf(after, null)])
}

async function restore(backup: string, options: RestoreOptions): Promise<void> {
  const location = await locateStore(options)
  refusePostgres(location)
  const { data_folder: folder } = location
  if (!options.yes) refuseUnasked(folder)
  const done = await putBack({ ...waysOf(options), backup, folder, sealer: sealerFor(location) })
  const json = { ...jsonOf(done), replaced: done.replaced, lost: done.lost }
  print(options, json, [
    `${databaseFile(folder)} is now what ${backup} holds.`,
    ...factsOf(done),
    ...oldOf(done),
    ...usesOf(done),
    ...adviceOf(done, replacedExport(location, done)),
  ])
}

function refuseUnasked(folder: string): void {
  if (hasDatabase(folder))
    throw new ConfigRefused(
      `There is a database in ${folder}. Say --yes to replace it: it is kept in a folder beside.`,
    )
  if (hasLogAlone(folder))
    throw new ConfigRefused(
      `The database in ${folder} is gone, but its log is there: a server may have it open still. Stop every server, then say --yes.`,
    )
}

function refusePostgres({ database_url: url }: StoreLocation): void {
  if (url === null) return
  throw new ConfigRefused(
    'PostgreSQL has tools of its own: stop every server, run `pg_restore --single-transaction --dbname="$SALLYPORT_DATABASE_URL" FILE` into a new, empty database, then `sallyport restore --after`, and start the servers when that says.',
  )
}

/** Never a new key: it could open nothing. */
function sealerFor({ master_key: given, data_folder: folder }: StoreLocation): Sealer {
  const file = masterKeyPath(folder)
  const keys = given === null ? readMasterKeys(file) : parseMasterKeys(given)
  if (keys === null)
    throw new StoreRefused(
      `The master key of the backup is not at ${file}. Put it there, then restore again.`,
    )
  return createSealer(keys, systemEffects.random)
}

function print({ json }: RestoreOptions, members: object, lines: readonly string[]): void {
  process.stdout.write(`${json ? JSON.stringify(members) : lines.join('\n')}\n`)
}

const jsonOf = ({ head, until, tenants, issuedUntil, usesUnknownUntil }: AfterRestore) => ({
  ...{ tenants, tokens_issued_until: issuedUntil },
  ...{ audit_head: headText(head), audit_head_at: until },
  ...{ knows_uses: usesUnknownUntil === null, uses_unknown_until: usesUnknownUntil },
})

const when = (instant: number): string => instantText(instant).replace('.000Z', 'Z')

const factsOf = ({ issuedUntil }: AfterRestore): readonly string[] => [
  issuedUntil === null
    ? 'The tokens of the time before were kept.'
    : `Every token issued until ${when(issuedUntil)} is dead; new ones are given after that.`,
]

function oldOf({ replaced, lost, isCertainlyAlone }: PutBack): readonly string[] {
  const said: string[] = []
  if (replaced !== null) said.push(`The database that was here is in ${replaced}.`)
  if (lost !== replaced && lost !== null)
    said.push(
      `It had been put back itself, and nothing was done in it since; the one before it is in ${lost}.`,
    )
  if (!isCertainlyAlone)
    said.push(
      `${replaced === null ? 'The database that was here is gone' : 'It cannot be read'}, so nobody can tell whether a server had it open: make sure that none has.`,
    )
  return said
}

const usesOf = ({ usesUnknownUntil }: AfterRestore): readonly string[] =>
  usesUnknownUntil === null
    ? []
    : [
        `Client assertions and DPoP proofs that were used before could be used once more: start no server before ${when(usesUnknownUntil)}.`,
      ]

/** What can be known only from elsewhere. */
function adviceOf({ head, until }: AfterRestore, exported: string | null): readonly string[] {
  const since = until === null ? '' : ` of ${when(until)}`
  return [
    `Secrets, keys, apps and people that were removed, replaced or disabled after audit record ${head.number}${since}`,
    'are as they were then, also those that had leaked. Do it again; what it was, say the records after that one:',
    exported ?? 'those that your audit sinks have got, by number and hash.',
  ]
}

/** Null where nothing of it can be read here. */
function replacedExport(
  { master_key: given, data_folder: folder }: StoreLocation,
  done: PutBack,
): string | null {
  if (done.lost === null) return null
  const key = given === null ? `SALLYPORT_MASTER_KEY_FILE=${masterKeyPath(folder)} ` : ''
  return `${key}sallyport audit export --data ${done.lost} --after ${done.head.number}`
}
