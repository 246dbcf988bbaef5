/** scrypt (RFC 7914), as `$scrypt$ln=16,r=8,p=1$<salt>$<digest>`. */

import { scrypt as derive, type ScryptOptions, timingSafeEqual } from 'node:crypto'
import { always, type HashFormat, hasNul, type SlowHash } from './hash.ts'
import { isDigestLength, isSaltLength, parsePhc } from './phc.ts'

const mebibyte = 1024 * 1024
const mostBytes = 64 * mebibyte
// What all its passes touch together: about 0.7 s.
const mostWork = 256 * mebibyte

interface Scrypt {
  readonly cost: number
  readonly blockSize: number
  readonly parallelization: number
  readonly salt: Buffer
  readonly digest: Buffer
}

const bytesOf = ({ cost, blockSize }: Scrypt): number => 128 * cost * blockSize

export const scrypt: HashFormat = {
  example: '$scrypt$ln=16,r=8,p=1$<salt>$<digest>',
  recognizes: (text) => text.startsWith('$scrypt$'),
  read(text) {
    const parsed = parseScrypt(text)
    if (parsed === null)
      return {
        found: 'a scrypt hash that cannot be read',
        expected: '$scrypt$ln=16,r=8,p=1$<salt>$<digest>',
      }
    const bytes = bytesOf(parsed)
    if (bytes > mostBytes)
      return {
        found: `scrypt over ${Math.ceil(bytes / mebibyte)} MiB of memory`,
        expected: `at most ${mostBytes / mebibyte} MiB`,
      }
    if (bytes * parsed.parallelization > mostWork)
      return {
        found: `scrypt with p=${parsed.parallelization}`,
        expected: `at most p=${Math.floor(mostWork / bytes)} at this cost`,
      }
    return Buffer.from(text)
  },
  open(verifier): SlowHash {
    const parsed = parseScrypt(Buffer.from(verifier).toString())
    return {
      isSlow: true,
      coversWhole: always,
      matches: async (secret) =>
        parsed !== null && !hasNul(secret) && timingSafeEqual(await deriveKey(secret, parsed), parsed.digest),
    }
  },
}

function parseScrypt(text: string): Scrypt | null {
  const phc = parsePhc(text)
  if (phc === null || phc.name !== 'scrypt') return null
  const { parameters, salt, digest } = phc
  const [ln = 0, blockSize = 0, parallelization = 0] = ['ln', 'r', 'p'].map((name) => parameters.get(name))
  const isWhole = ln >= 1 && ln <= 30 && blockSize >= 1 && parallelization >= 1
  if (!isWhole || !isDigestLength(digest) || !isSaltLength(salt)) return null
  return { cost: 2 ** ln, blockSize, parallelization, salt, digest }
}

const deriveKey = (secret: string, parsed: Scrypt): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const { cost, blockSize, parallelization, salt, digest } = parsed
    // Above what the derivation itself takes, by its own little book-keeping.
    const options: ScryptOptions = { cost, blockSize, parallelization, maxmem: 2 * mostBytes }
    derive(secret, salt, digest.length, options, (error, key) => (error ? reject(error) : resolve(key)))
  })
