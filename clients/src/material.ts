/** Keys and certificates of the clients: made anew for each run, and one of each kind that the server does not know. */

import { KeyObject, type webcrypto } from 'node:crypto'
import { exportJWK, exportPKCS8, generateKeyPair, type JWK } from 'jose'
import { type Issued, issue } from '../../packages/server/test/certificates/issue.ts'

export const keyAlgorithms = ['ES256', 'EdDSA', 'PS256', 'RS256'] as const
export type KeyAlgorithm = (typeof keyAlgorithms)[number]

export interface SigningKey {
  readonly algorithm: KeyAlgorithm
  readonly privateKey: webcrypto.CryptoKey
  readonly privatePem: string
  readonly publicJwk: JWK
}

/** What a TLS client holds, in PEM. */
export interface ClientCertificate {
  readonly cert: string
  readonly key: string
}

export interface Material {
  readonly keys: Readonly<Record<KeyAlgorithm, SigningKey>>
  readonly strangersKeys: Readonly<Record<KeyAlgorithm, SigningKey>>
  /** PEM of the authority that the tenant names. */
  readonly authority: string
  readonly certificates: Readonly<Record<'authority' | 'self-signed' | 'stranger', ClientCertificate>>
}

async function makeKey(algorithm: KeyAlgorithm): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  return {
    algorithm,
    privateKey: privateKey as webcrypto.CryptoKey,
    privatePem: await exportPKCS8(privateKey),
    publicJwk: await exportJWK(publicKey),
  }
}

async function makeKeys(): Promise<Record<KeyAlgorithm, SigningKey>> {
  const made = await Promise.all(keyAlgorithms.map(async (name) => [name, await makeKey(name)] as const))
  return Object.fromEntries(made) as Record<KeyAlgorithm, SigningKey>
}

const daySeconds = 86_400

const toPair = ({ pem, keys }: Issued): ClientCertificate => ({
  cert: pem,
  key: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString(),
})

export async function makeMaterial(now: number): Promise<Material> {
  const validity = { notBeforeAt: now - daySeconds, notAfterAt: now + daySeconds }
  const authority = await issue(null, { ...validity, ca: true })
  const ofAuthority = await issue(authority, {
    ...validity,
    names: [{ type: 'dns', value: 'app.customer.example' }],
  })
  const [selfSigned, stranger] = await Promise.all([issue(null, validity), issue(null, validity)])
  return {
    keys: await makeKeys(),
    strangersKeys: await makeKeys(),
    authority: authority.pem,
    certificates: {
      authority: toPair(ofAuthority),
      'self-signed': toPair(selfSigned),
      stranger: toPair(stranger),
    },
  }
}
