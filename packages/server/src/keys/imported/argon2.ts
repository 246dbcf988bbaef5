/** Argon2 (RFC 9106), all three of its variants, as `$argon2id$v=19$m=65536,t=3,p=4$<salt>$<digest>`. */

import crypto, { timingSafeEqual } from 'node:crypto'
import { always, type HashFault, type HashFormat, type SlowHash } from './hash.ts'
import { isDigestLength, isSaltLength, parsePhc } from './phc.ts'

const mostKibibytes = 64 * 1024
// What all its passes touch together: about 0.5 s.
const mostWork = 512 * 1024
const mostLanes = 16
// RFC 9106 §3.1: the version that everybody has written since 2016, and the only one that Node.js knows.
const version = '19'

type Variant = 'argon2d' | 'argon2i' | 'argon2id'

interface Argon2 {
  readonly variant: Variant
  readonly version: string | undefined
  readonly memory: number
  readonly passes: number
  readonly lanes: number
  readonly salt: Buffer
  readonly digest: Buffer
}

export const argon2: HashFormat = {
  example: '$argon2id$v=19$m=65536,t=3,p=4$<salt>$<digest>',
  recognizes: (text) => /^\$argon2/.test(text),
  read(text) {
    const parsed = parseArgon2(text)
    return (parsed === null ? unreadable : faultOf(parsed)) ?? Buffer.from(text)
  },
  open(verifier): SlowHash {
    const parsed = parseArgon2(Buffer.from(verifier).toString())
    return {
      isSlow: true,
      coversWhole: always,
      matches: async (secret) =>
        parsed !== null && timingSafeEqual(await deriveKey(parsed, secret), parsed.digest),
    }
  },
}

const unreadable: HashFault = {
  found: 'an argon2 hash that cannot be read',
  expected: '$argon2id$v=19$m=65536,t=3,p=4$<salt>$<digest>, or argon2i or argon2d',
}

function faultOf({ version: written, memory, passes, lanes }: Argon2): HashFault | null {
  if (typeof crypto.argon2 !== 'function')
    return { found: `argon2 on Node.js ${process.versions.node}`, expected: 'Node.js 24.7 or newer' }
  if (written !== version)
    return { found: `argon2 of version ${written ?? '16 (v= is missing)'}`, expected: `v=${version}` }
  if (memory > mostKibibytes)
    return { found: `argon2 over ${memory} KiB of memory`, expected: `at most m=${mostKibibytes}` }
  if (memory < 8 * lanes || lanes > mostLanes)
    return {
      found: `argon2 with p=${lanes}`,
      expected: `at most p=${mostLanes}, and m of 8 times that or more`,
    }
  if (memory * passes > mostWork)
    return {
      found: `argon2 with t=${passes}`,
      expected: `at most t=${Math.floor(mostWork / memory)} with m=${memory}`,
    }
  return null
}

function parseArgon2(text: string): Argon2 | null {
  const phc = parsePhc(text)
  const variant = (['argon2d', 'argon2i', 'argon2id'] as const).find((name) => name === phc?.name)
  if (phc === null || variant === undefined) return null
  const { parameters, salt, digest } = phc
  const [memory = 0, passes = 0, lanes = 0] = ['m', 't', 'p'].map((name) => parameters.get(name))
  const isWhole = parameters.size === 3 && memory >= 1 && passes >= 1 && lanes >= 1
  // RFC 9106 §3.1 allows shorter salts in theory; the implementation takes none below eight bytes.
  if (!isWhole || !isDigestLength(digest) || !isSaltLength(salt) || salt.length < 8) return null
  return { variant, version: phc.version, memory, passes, lanes, salt, digest }
}

const deriveKey = (
  { variant, memory, passes, lanes, salt, digest }: Argon2,
  secret: string,
): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const options = {
      message: secret,
      nonce: salt,
      parallelism: lanes,
      tagLength: digest.length,
      memory,
      passes,
    }
    crypto.argon2(variant, options, (error, key) => (error ? reject(error) : resolve(key)))
  })
