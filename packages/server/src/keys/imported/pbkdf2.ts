/** PBKDF2 (RFC 8018 §5.2) with SHA-256 or SHA-512, as Django and as passlib and others write it. */

import { pbkdf2 as derive, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { always, type HashFault, type HashFormat, hasNul, type SlowHash } from './hash.ts'
import { decodeBase64, isDigestLength, isSaltLength, parsePhc } from './phc.ts'

const deriveKey = promisify(derive)

const blockBytes = { sha256: 32, sha512: 64 } as const
// About 0.5 s of one core; a digest that is longer than one block takes as many times the rounds.
const mostRounds = { sha256: 2_000_000, sha512: 1_000_000 } as const
type Digest = keyof typeof blockBytes

interface Pbkdf2 {
  readonly digestName: Digest
  readonly rounds: number
  readonly salt: Buffer
  readonly digest: Buffer
}

export const pbkdf2: HashFormat = {
  example: 'pbkdf2_sha256$<rounds>$<salt>$<digest> or $pbkdf2-sha256$<rounds>$<salt>$<digest>',
  recognizes: (text) => /^\$?pbkdf2[-_]/.test(text),
  read(text) {
    const parsed = parsePbkdf2(text)
    if (parsed === null) return unreadable
    const { digestName, rounds, digest } = parsed
    const blocks = Math.ceil(digest.length / blockBytes[digestName])
    const most = Math.floor(mostRounds[digestName] / blocks)
    if (rounds >= 1 && rounds <= most) return Buffer.from(text)
    return { found: `PBKDF2 of ${rounds} rounds`, expected: `1 to ${most} rounds` }
  },
  open(verifier): SlowHash {
    const parsed = parsePbkdf2(Buffer.from(verifier).toString())
    return {
      isSlow: true,
      coversWhole: always,
      async matches(secret) {
        if (parsed === null || hasNul(secret)) return false
        const { digestName, rounds, salt, digest } = parsed
        return timingSafeEqual(await deriveKey(secret, salt, rounds, digest.length, digestName), digest)
      },
    }
  },
}

const unreadable: HashFault = {
  found: 'a PBKDF2 hash that cannot be read',
  expected: 'pbkdf2_sha256$<rounds>$<salt>$<digest> or $pbkdf2-sha256$<rounds>$<salt>$<digest>, or with 512',
}

function parsePbkdf2(text: string): Pbkdf2 | null {
  const parsed = parseDjango(text) ?? parsePasslib(text) ?? parseParameters(text)
  return parsed && isDigestLength(parsed.digest) && isSaltLength(parsed.salt) ? parsed : null
}

/** Django's salt is the very text, not base64. */
function parseDjango(text: string): Pbkdf2 | null {
  const [, digestName, rounds, salt = '', encoded = ''] =
    /^pbkdf2_(sha256|sha512)\$(\d{1,9})\$([!-#%-~]{1,128})\$([^$]+)$/.exec(text) ?? []
  const digest = decodeBase64(encoded)
  if (digestName === undefined || digest === null) return null
  return { digestName: digestName as Digest, rounds: Number(rounds), salt: Buffer.from(salt), digest }
}

function parsePasslib(text: string): Pbkdf2 | null {
  const [, digestName, rounds, saltText = '', digestText = ''] =
    /^\$pbkdf2-(sha256|sha512)\$(\d{1,9})\$([^$]+)\$([^$]+)$/.exec(text) ?? []
  const [salt, digest] = [decodeBase64(saltText), decodeBase64(digestText)]
  if (digestName === undefined || salt === null || digest === null) return null
  return { digestName: digestName as Digest, rounds: Number(rounds), salt, digest }
}

/** `$pbkdf2-sha256$i=600000,l=32$…`, where `l` says once more how long the digest is. */
function parseParameters(text: string): Pbkdf2 | null {
  const phc = parsePhc(text)
  const [, digestName] = /^pbkdf2-(sha256|sha512)$/.exec(phc?.name ?? '') ?? []
  const rounds = phc?.parameters.get('i')
  if (phc === null || digestName === undefined || rounds === undefined) return null
  if ((phc.parameters.get('l') ?? phc.digest.length) !== phc.digest.length) return null
  return { digestName: digestName as Digest, rounds, salt: phc.salt, digest: phc.digest }
}
