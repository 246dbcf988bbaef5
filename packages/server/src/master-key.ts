/** The master key: handed in by the operator, or made beside a new embedded database and nowhere else. */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { StoreRefused } from './store/database.ts'

const keyBytes = 32

/** 32 bytes in base64url; the newest key first where several are given, separated by commas. */
export function parseMasterKeys(text: string): readonly Uint8Array[] {
  return text.split(',').map((entry) => {
    const bytes = Buffer.from(entry.trim(), 'base64url')
    if (bytes.length !== keyBytes) {
      throw new StoreRefused(
        'The master key must be 32 bytes in base64url. Give back the key this database was made with.',
      )
    }
    return bytes
  })
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
  if (existsSync(file)) return parseMasterKeys(readFileSync(file, 'utf8'))
  if (databaseExists) {
    throw new StoreRefused(
      `The database is here but its master key is not. Put it back at ${file}; without it no secret can be read.`,
    )
  }
  mkdirSync(dirname(file), { recursive: true })
  const key = Buffer.from(random(keyBytes))
  writeFileSync(file, `${key.toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  return [key]
}
