/** One round of SHA-2 over a secret that is long and random: plain, or with a salt before or behind the secret. */

import { createHash, timingSafeEqual } from 'node:crypto'
import { always, type FastHash, type HashFault, type HashFormat, type PlainAlgorithm } from './hash.ts'
import { decodeBase64, isSaltLength, parsePhc } from './phc.ts'

const digestBytes: Readonly<Record<PlainAlgorithm, number>> = { sha256: 32, sha512: 64 }

export const digest = (algorithm: PlainAlgorithm, secret: string): Buffer =>
  createHash(algorithm).update(secret).digest()

const sameBytes = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && timingSafeEqual(one, other)

const fast = (matches: FastHash['matches']): FastHash => ({ isSlow: false, matches, coversWhole: always })

/** `sha256:<base64url>`; the digest alone is stored. */
export const plainDigest = (algorithm: PlainAlgorithm): HashFormat => {
  const characters = Math.ceil((digestBytes[algorithm] * 4) / 3)
  const shape = new RegExp(`^${algorithm}:([A-Za-z0-9_-]{${characters}})$`)
  return {
    example: `${algorithm}:<base64url>`,
    recognizes: (text) => text.startsWith(`${algorithm}:`),
    read(text) {
      const [, encoded] = shape.exec(text) ?? []
      if (encoded !== undefined) return Buffer.from(encoded, 'base64url')
      return {
        found: `no whole ${algorithm} digest`,
        expected: `${characters} characters of base64url behind ${algorithm}:`,
      }
    },
    open: (verifier) =>
      fast((secret, digestOf = () => digest(algorithm, secret)) => sameBytes(digestOf(algorithm), verifier)),
  }
}

interface Salted {
  readonly algorithm: PlainAlgorithm
  readonly salt: Buffer
  readonly digest: Buffer
  readonly isSaltFirst: boolean
}

/** `$sha256$<salt>$<digest>` of salt and secret; RFC 3112's kin `{SSHA256}<base64>` of secret and salt. */
export const saltedDigest: HashFormat = {
  example: '$sha256$<salt>$<digest> or {SSHA256}<base64>',
  recognizes: (text) => /^(?:\$sha(?:256|512)\$|\{SSHA(?:256|512)\})/.test(text),
  read: (text) => (parseSalted(text) ? Buffer.from(text) : unreadable),
  open(verifier) {
    const salted = parseSalted(Buffer.from(verifier).toString())
    if (salted === null) return fast(() => false)
    const { algorithm, salt, isSaltFirst } = salted
    return fast((secret) => {
      const hash = createHash(algorithm)
      if (isSaltFirst) hash.update(salt).update(secret)
      else hash.update(secret).update(salt)
      return sameBytes(hash.digest(), salted.digest)
    })
  },
}

const unreadable: HashFault = {
  found: 'a salted digest that cannot be read',
  expected: '$sha256$<salt>$<digest> or {SSHA256}<digest and salt>, or the same with 512, in base64',
}

function parseSalted(text: string): Salted | null {
  const [, bits, packed] = /^\{SSHA(256|512)\}(.+)$/.exec(text) ?? []
  const salted =
    packed === undefined ? parseSaltFirst(text) : parseSaltLast(`sha${bits}` as PlainAlgorithm, packed)
  const isWhole =
    salted !== null && isSaltLength(salted.salt) && salted.digest.length === digestBytes[salted.algorithm]
  return isWhole ? salted : null
}

function parseSaltFirst(text: string): Salted | null {
  const phc = parsePhc(text)
  if (phc === null || (phc.name !== 'sha256' && phc.name !== 'sha512') || phc.parameters.size > 0) return null
  return { algorithm: phc.name, salt: phc.salt, digest: phc.digest, isSaltFirst: true }
}

function parseSaltLast(algorithm: PlainAlgorithm, packed: string): Salted | null {
  const bytes = decodeBase64(packed)
  if (bytes === null) return null
  const end = digestBytes[algorithm]
  return { algorithm, salt: bytes.subarray(end), digest: bytes.subarray(0, end), isSaltFirst: false }
}
