/** A tenant's signing keys: made when first needed, sealed in the store, opened once into signers. */

import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPair,
  type KeyObject,
} from 'node:crypto'
import { promisify } from 'node:util'
import type { Jwk } from '@sallyport/protocol'
import type { WriteTransaction } from '../store/database.ts'
import { insertSigningKey, type NewSigningKey, type SigningKeyRecord } from '../store/signing-keys.ts'
import { jwkThumbprint } from './jwk-thumbprint.ts'
import { macs } from './macs.ts'
import type { Sealer } from './sealing.ts'
import { createSigner, type KeyAlgorithm, type PublishedAlgorithm, type Signer } from './signer.ts'

const generate = promisify(generateKeyPair) as (
  type: string,
  options: Record<string, unknown>,
) => Promise<{ publicKey: KeyObject; privateKey: KeyObject }>

/** What a new key is for: a tenant's key for an algorithm, or one API's symmetric key. */
export interface KeyNeed {
  readonly algorithm: KeyAlgorithm
  /** Set for HS512, whose key belongs to one API and is never published. */
  readonly apiId: string | null
  /** How the key id is written: the RFC 7638 thumbprint in base64url, or in base64 with its padding. */
  readonly keyIdEncoding: 'base64url' | 'base64'
}

/** In the clear, and nobody's yet. */
export interface GeneratedKey extends Pick<KeyNeed, 'algorithm' | 'apiId'> {
  readonly secretBytes: Uint8Array
  readonly publicJwk: Record<string, string> | null
  readonly kid: string
}

const pairOptions = {
  ES256: ['ec', { namedCurve: 'P-256' }],
  EdDSA: ['ed25519', {}],
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
} as const satisfies Record<PublishedAlgorithm, readonly [type: string, options: object]>

export async function generateSigningKey(
  need: KeyNeed,
  random: (bytes: number) => Uint8Array,
): Promise<GeneratedKey> {
  const { algorithm, apiId } = need
  if (algorithm === 'HS512') {
    return {
      algorithm,
      apiId,
      secretBytes: random(macs[algorithm].keyBytes),
      publicJwk: null,
      kid: Buffer.from(random(16)).toString('base64url'),
    }
  }
  const [type, options] = pairOptions[algorithm]
  const { publicKey, privateKey } = await generate(type, options)
  const publicJwk = publicKey.export({ format: 'jwk' }) as Jwk & Record<string, string>
  return {
    algorithm,
    apiId,
    secretBytes: privateKey.export({ format: 'der', type: 'pkcs8' }),
    publicJwk,
    kid: jwkThumbprint(publicJwk, need.keyIdEncoding),
  }
}

/** Where a sealed key belongs; at any other place it does not open. */
export const signingKeyContext = (tenantId: string, kid: string) => `signing key ${tenantId} ${kid}`

/**
 * False when the place is taken. Sealed inside the transaction that writes it: whoever holds the write lock and finds
 * nothing under an old master key can let go of that key.
 */
export const keepSigningKey = (
  tx: WriteTransaction,
  sealer: Sealer,
  tenantId: string,
  { secretBytes, ...key }: GeneratedKey,
  state: NewSigningKey['state'],
): Promise<boolean> =>
  insertSigningKey(tx, tenantId, {
    ...key,
    state,
    sealed: sealer.seal(secretBytes, signingKeyContext(tenantId, key.kid)),
  })

/** The opened private or symmetric key of a stored record. */
export function openSigningKey(sealer: Sealer, tenantId: string, record: SigningKeyRecord): KeyObject {
  const bytes = sealer.open(record.sealed, signingKeyContext(tenantId, record.kid))
  return record.apiId === null
    ? createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' })
    : createSecretKey(bytes)
}

export const signerFrom = (sealer: Sealer, tenantId: string, record: SigningKeyRecord): Signer =>
  createSigner(record.kid, record.algorithm as KeyAlgorithm, openSigningKey(sealer, tenantId, record))

/** RFC 7517 §4: what verifiers may know of a key. A symmetric key has no public half and is left out. */
export function publicJwkOf(record: SigningKeyRecord): Record<string, string> | null {
  if (record.publicJwk === null) return null
  const { kty, crv, x, y, n, e } = record.publicJwk
  const members = { kty, kid: record.kid, use: 'sig', alg: record.algorithm, crv, x, y, n, e }
  return Object.fromEntries(
    Object.entries(members).filter((member): member is [string, string] => member[1] !== undefined),
  )
}

/** For verifying our own tokens; the symmetric key itself where there is no public half. */
export const verificationKeyOf = (sealer: Sealer, tenantId: string, record: SigningKeyRecord): KeyObject =>
  record.publicJwk === null
    ? openSigningKey(sealer, tenantId, record)
    : createPublicKey({ key: record.publicJwk, format: 'jwk' })
