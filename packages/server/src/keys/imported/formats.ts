/** The hashes of others that a blueprint may bring, one line each: all are upgraded to ours on their first use. */

import { argon2 } from './argon2.ts'
import { bcrypt } from './bcrypt.ts'
import { compareInThread } from './bcrypt-thread.ts'
import type { HashFault, HashFormat } from './hash.ts'
import { isFault } from './hash.ts'
import { pbkdf2 } from './pbkdf2.ts'
import { scrypt } from './scrypt.ts'
import { plainDigest, saltedDigest } from './sha.ts'

/** The `format` of a stored credential to what reads and compares it. */
export const foreignFormats = {
  sha256: plainDigest('sha256'),
  sha512: plainDigest('sha512'),
  'salted-sha2': saltedDigest,
  bcrypt: bcrypt(compareInThread),
  pbkdf2,
  scrypt,
  argon2,
} as const satisfies Record<string, HashFormat>

export type ForeignFormat = keyof typeof foreignFormats

const names = Object.keys(foreignFormats) as readonly ForeignFormat[]

export const isForeignFormat = (format: string): format is ForeignFormat =>
  Object.hasOwn(foreignFormats, format)

export interface ReadHash {
  readonly format: ForeignFormat
  readonly verifier: Buffer
}

/** Of a blueprint's `hash`: what is stored, or why not. */
export function readForeignHash(text: string): ReadHash | HashFault {
  const format = names.find((name) => foreignFormats[name].recognizes(text))
  if (format === undefined)
    return {
      found: 'a hash of an unknown kind (not shown)',
      expected: `one of ${names.map((name) => foreignFormats[name].example).join(', ')}`,
    }
  const read = foreignFormats[format].read(text)
  return isFault(read) ? read : { format, verifier: read }
}
