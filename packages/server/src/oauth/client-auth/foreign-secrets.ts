/** Secrets that are kept as others have hashed them, until their first use: opened once, and remembered once proven. */

import { oncePer } from '@sallyport/protocol'
import type { Client, Credential } from '../../apps/client.ts'
import { foreignFormats, isForeignFormat } from '../../keys/imported/formats.ts'
import type { ForeignHash, SlowHash } from '../../keys/imported/hash.ts'
import { sameVerifier } from '../../keys/secret-hasher.ts'

// By the credential as it was read: a change of it is another object, which nothing is known of.
const proven = new WeakMap<Credential, Buffer>()

export const isForeign = ({ format }: Credential): boolean => isForeignFormat(format)

/** Of a credential whose format is foreign. */
export const foreignHashOf = oncePer(({ id, format, verifier }: Credential): ForeignHash => {
  if (!isForeignFormat(format)) throw new Error(`The credential ${id} holds no foreign hash.`)
  return foreignFormats[format].open(verifier)
})

export interface SlowSecret {
  readonly credential: Credential
  readonly hash: SlowHash
}

/** What cannot be compared at once. */
export const slowSecretsOf = (client: Client | null | undefined): readonly SlowSecret[] =>
  (client?.secrets ?? []).flatMap((credential) => {
    const hash = isForeign(credential) ? foreignHashOf(credential) : null
    return hash?.isSlow ? [{ credential, hash }] : []
  })

/** The HMAC under the current pepper of the secret that has proven right: while the upgrade is not read, it will do. */
export function rememberProven(credential: Credential, mac: Buffer | null): void {
  if (mac) proven.set(credential, mac)
}

export function isRemembered(credential: Credential, mac: Buffer | null): boolean {
  const known = proven.get(credential)
  return known !== undefined && mac !== null && sameVerifier(known, mac)
}
