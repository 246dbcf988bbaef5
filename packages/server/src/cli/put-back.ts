/**
 * A backup put in the place of the embedded database. It is made ready beside, under another name, with all that must
 * follow a restore; then one rename makes it the database. Killed at any point, the folder has the old one or the new
 * one, whole.
 */

import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { ConfigRefused } from '../config.ts'
import { systemEffects } from '../effects.ts'
import { instantText } from '../inspect/instant-text.ts'
import { checkSeals } from '../keys/check-seals.ts'
import { SealBroken, type Sealer } from '../keys/sealing.ts'
import { databaseFile, hasDatabase } from '../open-store.ts'
import { StoreRefused } from '../store/database.ts'
import { makeFolder } from '../store/make-folder.ts'
import { openSqlite } from '../store/sqlite.ts'
import { carryUses, checkSqliteCopy, type Hold, holdAlone, isUnusedRestore } from '../store/sqlite-copy.ts'
import { type AfterRestore, type AfterRestoreOptions, finishRestore } from './after-restore.ts'
import { flushFile, flushFolder } from './flush.ts'

export interface PutBackOptions extends Omit<AfterRestoreOptions, 'knowsUses'> {
  readonly backup: string
  readonly folder: string
  readonly sealer: Sealer
}

export interface PutBack extends AfterRestore {
  /** The folder that has the database that was there; null where there was none. */
  readonly replaced: string | null
  /** The folder that has what was done after the backup, as far as it can be read: not always the same one. */
  readonly lost: string | null
  /** False where nobody could tell whether a server has the old database open, because it cannot be read or is gone. */
  readonly isCertainlyAlone: boolean
}

const logs = ['-wal', '-shm', '-journal']

/** Whether there is no database but a log of one: a server goes on with a file that was removed under it. */
export const hasLogAlone = (folder: string): boolean =>
  !hasDatabase(folder) && logs.some((end) => existsSync(databaseFile(folder) + end))

export async function putBack(options: PutBackOptions): Promise<PutBack> {
  const { backup, folder } = options
  refuseLiveFile(backup)
  const file = databaseFile(folder)
  makeFolder(folder)
  hold(file).release()
  removeUnfinished(file)
  const unfinished = `${file}.${Buffer.from(systemEffects.random(4)).toString('hex')}.restoring`
  try {
    const knowsUses = stage(backup, unfinished, file)
    const after = await makeReady(unfinished, { ...options, knowsUses })
    const swapped = swap(unfinished, file)
    return { ...after, ...swapped, lost: await findLost(folder, swapped) }
  } finally {
    for (const end of ['', ...logs]) rmSync(unfinished + end, { force: true })
  }
}

/** The newest writes of a running server stand in its log, and a copy without it lacks them. */
function refuseLiveFile(backup: string): void {
  if (!existsSync(backup)) throw new ConfigRefused(`There is no file ${backup}.`)
  const log = `${backup}-wal`
  if (existsSync(log) && statSync(log).size > 0)
    throw new StoreRefused(
      `${backup} is a database in use, or was copied from one: ${log} stands beside it. Make a backup with \`sallyport backup\`.`,
    )
}

/** Nobody else has the database open, as far as that can be told. */
function hold(file: string): Hold {
  // Before the hold: SQLite removes the log beside an empty file.
  const isGone = hasLogAlone(dirname(file))
  const held = existsSync(file) ? holdAlone(file) : { isCertain: true, release() {} }
  if (held !== null) return { ...held, isCertain: held.isCertain && !isGone }
  throw new StoreRefused(
    `Something has the database ${file} open, most likely a server. Stop it, then restore again.`,
  )
}

/** Of a restore that was killed. */
function removeUnfinished(file: string): void {
  const prefix = `${basename(file)}.`
  for (const name of readdirSync(dirname(file)))
    if (name.startsWith(prefix) && /\.restoring(-\w+)?$/.test(name)) rmSync(join(dirname(file), name))
}

/** A copy of the backup that is whole and ours; answers whether it knows what was used before. */
function stage(backup: string, unfinished: string, file: string): boolean {
  closeSync(openSync(unfinished, 'wx', 0o600))
  copyFileSync(backup, unfinished)
  chmodSync(unfinished, 0o600)
  checkSqliteCopy(unfinished, backup)
  return existsSync(file) && carryUses(file, unfinished, systemEffects.clock())
}

async function makeReady(
  unfinished: string,
  { sealer, ...options }: PutBackOptions & AfterRestoreOptions,
): Promise<AfterRestore> {
  const db = await openSqlite({ file: unfinished, clock: systemEffects.clock })
  try {
    await checkSeals(db, sealer)
    return await finishRestore(db, options)
  } catch (error) {
    if (error instanceof SealBroken)
      throw new StoreRefused(
        'The master key does not open this backup. Give the key that was in use when it was made.',
      )
    throw error
  } finally {
    await db.close()
  }
}

type Swapped = Pick<PutBack, 'replaced' | 'isCertainlyAlone'>

function swap(unfinished: string, file: string): Swapped {
  // The last log of the copy goes with its last connection.
  if (logs.some((end) => existsSync(unfinished + end)))
    throw new StoreRefused(`Something has ${unfinished} open. Restore again.`)
  flushFile(unfinished)
  const held = hold(file)
  try {
    const replaced = keepOld(file)
    // A server that has just begun a new database here keeps it: unlike a rename, a link replaces nothing.
    if (existsSync(file)) renameSync(unfinished, file)
    else linkSync(unfinished, file)
    flushFolder(dirname(file))
    return { replaced, isCertainlyAlone: held.isCertain }
  } finally {
    held.release()
  }
}

const replacedPrefix = 'replaced-'

/**
 * A restore that was killed when all was done has told nobody: what it replaced is in a folder of before, and what is
 * replaced now is only what it has put back.
 */
async function findLost(folder: string, { replaced, isCertainlyAlone }: Swapped): Promise<string | null> {
  if (replaced === null || !isCertainlyAlone) return null
  const names = readdirSync(folder).filter((name) => name.startsWith(replacedPrefix))
  for (const name of names.toSorted().toReversed()) {
    const kept = join(folder, name)
    const isUnused = hasDatabase(kept) ? await isUnusedRestore(databaseFile(kept)) : true
    if (isUnused !== true) return isUnused === null ? null : kept
  }
  return null
}

/** The old database stays under its own name as well, until the rename; its log may belong to no other. */
function keepOld(file: string): string | null {
  const isThere = hasDatabase(dirname(file))
  // To hold an empty file begins a journal, and that of a file that is gone is worth nothing; neither may meet the new one.
  if (!isThere) rmSync(`${file}-journal`, { force: true })
  const left = [...(isThere ? [''] : []), ...logs.filter((end) => existsSync(file + end))]
  if (left.length === 0) return null
  const now = instantText(systemEffects.clock()).replaceAll(/[-:]|\.\d+/g, '')
  const folder = join(
    dirname(file),
    `${replacedPrefix}${now}-${Buffer.from(systemEffects.random(2)).toString('hex')}`,
  )
  mkdirSync(folder, { mode: 0o700 })
  for (const end of left) {
    const kept = join(folder, basename(file) + end)
    if (end === '') linkSync(file, kept)
    else renameSync(file + end, kept)
  }
  flushFolder(folder)
  return isThere ? folder : null
}
