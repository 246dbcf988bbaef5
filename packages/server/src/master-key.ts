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

/**
 * The key file beside the embedded database. A new one is made only where there is no database yet: another key
 * could open nothing, and a silent new one would hide that the old one is lost.
 */
export function masterKeyFile(
  file: string,
  databaseExists: boolean,
  random: (bytes: number) => Uint8Array,
): readonly Uint8Array[] {
  // A start that was cut short has left a file without a key: no database can need it.
  if (!databaseExists && isEmptyFile(file)) rmSync(file)
  if (existsSync(file)) return parseMasterKeys(readKey(file), `The master key in ${file}`)
  if (databaseExists) {
    throw new StoreRefused(
      `The database is here but its master key is not. Put it back at ${file}; without it no secret can be read.`,
    )
  }
  const key = Buffer.from(random(keyBytes))
  // Of two first starts at once, one makes the key and both use it.
  return writeNewKey(file, keyText([key]))
    ? [key]
    : parseMasterKeys(readKey(file), `The master key in ${file}`)
}

/** As they stand there now, the one that seals first; null where there is no such file any more. */
export const readMasterKeys = (file: string): readonly Uint8Array[] | null =>
  existsSync(file) ? parseMasterKeys(readKey(file), `The master key in ${file}`) : null

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
    throw new StoreRefused(
      `The master key in ${file} cannot be replaced: run this as the user that the server runs as.`,
      { cause },
    )
  } finally {
    rmSync(unfinished, { force: true })
  }
}

function readKey(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    throw new StoreRefused(`The master key in ${file} cannot be read: give this user read access to it.`, {
      cause,
    })
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
    throw new StoreRefused(
      `The data folder ${dirname(file)} cannot be written: give this user write access to it, or name another one.`,
      { cause },
    )
  } finally {
    rmSync(unfinished, { force: true })
  }
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
