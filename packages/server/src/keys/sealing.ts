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
}

const fingerprintOf = (key: Uint8Array) =>
  createHash('sha256').update('sallyport master key ').update(key).digest().subarray(0, fingerprintBytes)

/** `masterKeys` are 32 bytes each: the first seals, all of them open, so that the master key can be replaced. */
export function createSealer(
  masterKeys: readonly Uint8Array[],
  random: (bytes: number) => Uint8Array,
): Sealer {
  const keys = masterKeys.map((bytes) => {
    if (bytes.length !== 32) throw new RangeError('A master key is 32 bytes.')
    return { fingerprint: fingerprintOf(bytes), key: createSecretKey(bytes) }
  })
  const [current] = keys
  if (!current) throw new RangeError('At least one master key is needed.')

  const keyFor = (fingerprint: Uint8Array): KeyObject => {
    const found = keys.find((candidate) => candidate.fingerprint.equals(fingerprint))
    if (!found) throw new SealBroken('The master key is not the one that sealed this database.')
    return found.key
  }

  return {
    seal(plain, context) {
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
  }
}
