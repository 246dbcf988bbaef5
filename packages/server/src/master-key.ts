/** The master key: handed in by the operator, or made beside a new embedded database and nowhere else. */

import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { StoreRefused } from './store/database.ts'
import { makeFolder } from './store/make-folder.ts'
import { nextStep } from './store/unwritable.ts'

const keyBytes = 32

/** 32 bytes in base64url; the newest key first where several are given, separated by commas. */
export const isMasterKeys = (text: string): boolean =>
  text.split(',').every((entry) => /^[A-Za-z0-9_-]{43}=?$/.test(entry.trim()))

/** `from` names where the text was found, for the message. */
export function parseMasterKeys(text: string, from = 'The master key'): readonly Uint8Array[] {
  if (!isMasterKeys(text)) {
    throw new StoreRefused(
      `${from} is not 32 bytes in base64url. Give back the key this database was made with.`,
    )
  }
  return text.split(',').map((entry) => Buffer.from(entry.trim(), 'base64url').subarray(0, keyBytes))
}

export interface MasterKeyFile {
  readonly keys: readonly Uint8Array[]
  /** To be called when there is a database that is sealed with them. */
  keep(): void
}

const nothing = () => {}

/**
 * The key file beside the embedded database. A new key is made only where there is no database yet: another key could
 * open nothing, and a silent new one would hide that the old one is lost.
 *
 * A new key has another name until its database is made. So beside `master.key` there has been a database, and where none
 * is now it was lost. A first start that was killed or met a full disk has left the other name alone, and the next one goes
 * on with that key.
 */
export function masterKeyFile(
  file: string,
  hasDatabase: () => boolean,
  random: (bytes: number) => Uint8Array,
): MasterKeyFile {
  // An older release has left a file without a key, when its start was cut short: no database can need it.
  if (isEmptyFile(file) && !hasDatabase()) rmSync(file)
  // The key is looked for before the database: another first start finishes them in the opposite order.
  const kept = readMasterKeys(file)
  if (kept !== null && !hasDatabase()) {
    throw new StoreRefused(
      `The master key in ${file} is here but its database is not: restore a backup with \`sallyport restore\`, or move ` +
        'the key away to begin anew.',
    )
  }
  if (kept !== null) return { keys: kept, keep: nothing }
  const begun = beginKey(file, hasDatabase, random)
  return { keys: begun, keep: () => keepKey(file) }
}

const unfinishedName = (file: string) => `${file}.unfinished`

/** Of several first starts at once, one makes the key and all use it; each may be done before another has looked. */
function beginKey(
  file: string,
  hasDatabase: () => boolean,
  random: (bytes: number) => Uint8Array,
): readonly Uint8Array[] {
  const unfinished = unfinishedName(file)
  const begun = readMasterKeys(unfinished) ?? (hasDatabase() ? keyOfAnother(file) : null)
  if (begun !== null) return begun
  if (hasDatabase()) {
    throw new StoreRefused(
      `The database is here but its master key is not. Put it back at ${file}; without it no secret can be read.`,
    )
  }
  const key = Buffer.from(random(keyBytes))
  const isOurs = writeNewKey(unfinished, keyText([key]))
  const kept = readMasterKeys(file)
  if (kept === null)
    return isOurs ? [key] : (readMasterKeys(unfinished) ?? beginKey(file, hasDatabase, random))
  if (isOurs) rmSync(unfinished, { force: true })
  return kept
}

/** The other first start has made the database since nobody had begun a key, and may have kept its key or not. */
const keyOfAnother = (file: string) => readMasterKeys(unfinishedName(file)) ?? readMasterKeys(file)

/** A link replaces nothing: a start that comes late may have begun another key meanwhile. */
function keepKey(file: string): void {
  try {
    linkSync(unfinishedName(file), file)
  } catch (cause) {
    // Another first start has done it.
    if (!existsSync(file)) throw cannotWriteFolder(file, cause)
  }
  rmSync(unfinishedName(file), { force: true })
  flushFolder(dirname(file))
}

/** As they stand there now, the one that seals first; null where there is no such file any more. */
export function readMasterKeys(file: string): readonly Uint8Array[] | null {
  const text = readKey(file)
  return text === null ? null : parseMasterKeys(text, `The master key in ${file}`)
}

const keyText = (keys: readonly Uint8Array[]): string =>
  `${keys.map((key) => Buffer.from(key).toString('base64url')).join(',')}\n`

/**
 * Whole or not at all, also in a power cut; for the same owner as before, so that a server of another user than the one
 * who runs the command can still read it.
 */
export function replaceMasterKeys(path: string, keys: readonly Uint8Array[]): void {
  // Where a link leads, and not the link.
  const file = realpathSync(path)
  // One name: whoever was killed here leaves it to the next, who holds the same lock.
  const unfinished = `${file}.new`
  try {
    const { uid, gid, mode } = statSync(file)
    writeFileSync(unfinished, keyText(keys), { mode: 0o600, flag: 'w', flush: true })
    if (process.platform !== 'win32') chownSync(unfinished, uid, gid)
    chmodSync(unfinished, mode & 0o777)
    renameSync(unfinished, file)
    flushFolder(dirname(file))
  } catch (cause) {
    const step = nextStep(cause, 'run this as the user that the server runs as.')
    throw new StoreRefused(`The master key in ${file} cannot be replaced: ${step}`, { cause })
  } finally {
    rmSync(unfinished, { force: true })
  }
}

function readKey(file: string): string | null {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    const step = nextStep(cause, 'give this user read access to it.')
    throw new StoreRefused(`The master key in ${file} cannot be read: ${step}`, { cause })
  }
}

/** True for a key file that other users of the machine may read. */
export const isReadableByOthers = (file: string): boolean =>
  process.platform !== 'win32' && existsSync(file) && (statSync(file).mode & 0o077) !== 0

const isEmptyFile = (file: string): boolean => existsSync(file) && statSync(file).size === 0

/**
 * False when somebody else has just made it. On the disk before anything is sealed with it: a database that outlives
 * its key in a power cut is lost.
 */
function writeNewKey(file: string, text: string): boolean {
  const unfinished = `${file}.${process.pid}.new`
  try {
    makeFolder(dirname(file))
    writeFileSync(unfinished, text, { mode: 0o600, flag: 'wx', flush: true })
    // Unlike a rename, a link does not replace what another start has made.
    linkSync(unfinished, file)
    flushFolder(dirname(file))
    return true
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST' && existsSync(file)) return false
    throw cannotWriteFolder(file, cause)
  } finally {
    rmSync(unfinished, { force: true })
  }
}

function cannotWriteFolder(file: string, cause: unknown): StoreRefused {
  const step = nextStep(cause, 'give this user write access to it, or name another one.')
  return new StoreRefused(`The data folder ${dirname(file)} cannot be written: ${step}`, { cause })
}

/** The name of a new file is a change of its folder; Windows has no such flush. */
function flushFolder(folder: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
