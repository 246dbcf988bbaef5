/** Sealing of secrets at rest: AES-256-GCM under the master key, bound to the row it belongs to. */

import { createCipheriv, createDecipheriv, createHash, createSecretKey, type KeyObject } from 'node:crypto'

const formatVersion = 1
const fingerprintBytes = 4
const ivBytes = 12
const tagBytes = 16
const headBytes = 1 + fingerprintBytes + ivBytes + tagBytes

/** The master key cannot open what it should: the wrong key, or bytes that were altered. */
export class SealBroken extends Error {
  override readonly name = 'SealBroken'
}

export interface Sealer {
  /** `context` names the row; the sealed bytes open only under the same context. */
  seal(plain: Uint8Array, context: string): Uint8Array
  open(sealed: Uint8Array, context: string): Buffer
  /** What everything that is sealed now begins with; what begins otherwise was sealed by another master key. */
  readonly prefix: Buffer
}

/** The master keys as they stand where they are kept; null where that cannot be told any more. */
export type ReadMasterKeys = () => readonly Uint8Array[] | null

const fingerprintOf = (key: Uint8Array) =>
  createHash('sha256').update('sallyport master key ').update(key).digest().subarray(0, fingerprintBytes)

/** The key that seals, by what stands before everything it has sealed: for the audit chain. */
export const masterKeyName = ({ prefix }: Pick<Sealer, 'prefix'>): string =>
  `master key ${prefix.toString('hex')}`

interface MasterKey {
  readonly fingerprint: Buffer
  readonly key: KeyObject
}

function masterKeyFrom(bytes: Uint8Array): MasterKey {
  if (bytes.length !== 32) throw new RangeError('A master key is 32 bytes.')
  return { fingerprint: fingerprintOf(bytes), key: createSecretKey(bytes) }
}

/**
 * `masterKeys` are 32 bytes each: the first seals, all of them open, so that the master key can be replaced. Where it
 * may be replaced under a running process, `readAgain` says so: it is asked before each seal, and when something does
 * not open. A key that was known once stays good for opening what this process still has in memory.
 */
export function createSealer(
  masterKeys: readonly Uint8Array[],
  random: (bytes: number) => Uint8Array,
  readAgain: ReadMasterKeys = () => null,
): Sealer {
  let keys = masterKeys.map(masterKeyFrom)
  if (keys.length === 0) throw new RangeError('At least one master key is needed.')

  function refresh(): MasterKey {
    const now = readAgain()?.map(masterKeyFrom) ?? []
    const isNow = ({ fingerprint }: MasterKey) => now.some((one) => one.fingerprint.equals(fingerprint))
    keys = [...now, ...keys.filter((key) => !isNow(key))]
    return keys[0] as MasterKey
  }

  const find = (fingerprint: Uint8Array) =>
    keys.find((candidate) => candidate.fingerprint.equals(fingerprint))

  function keyFor(fingerprint: Uint8Array): KeyObject {
    if (find(fingerprint) === undefined) refresh()
    const found = find(fingerprint)
    if (!found) throw new SealBroken('The master key is not the one that sealed this database.')
    return found.key
  }

  return {
    seal(plain, context) {
      const current = refresh()
      const iv = random(ivBytes)
      const cipher = createCipheriv('aes-256-gcm', current.key, iv).setAAD(Buffer.from(context))
      const body = Buffer.concat([cipher.update(plain), cipher.final()])
      return Buffer.concat([Buffer.of(formatVersion), current.fingerprint, iv, cipher.getAuthTag(), body])
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed)
      if (bytes.length < headBytes || bytes[0] !== formatVersion)
        throw new SealBroken('Sealed bytes are damaged.')
      const fingerprint = bytes.subarray(1, 1 + fingerprintBytes)
      const iv = bytes.subarray(1 + fingerprintBytes, 1 + fingerprintBytes + ivBytes)
      const tag = bytes.subarray(1 + fingerprintBytes + ivBytes, headBytes)
      const decipher = createDecipheriv('aes-256-gcm', keyFor(fingerprint), iv)
      decipher.setAAD(Buffer.from(context)).setAuthTag(tag)
      try {
        return Buffer.concat([decipher.update(bytes.subarray(headBytes)), decipher.final()])
      } catch (cause) {
        throw new SealBroken('Sealed bytes were altered, or belong to another row.', { cause })
      }
    },
    get prefix() {
      return Buffer.concat([Buffer.of(formatVersion), refresh().fingerprint])
    },
  }
}
