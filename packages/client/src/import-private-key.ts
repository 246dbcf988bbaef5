/** A private key as it lies in files and secret stores, made what `privateKey` takes. */

import type { CryptoKey } from 'oauth4webapi'
import { refuse } from './errors.ts'

const algorithms = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384' },
  EdDSA: { name: 'Ed25519' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
} as const

export type KeyAlgorithm = keyof typeof algorithms

const pkcs8 = /^-----BEGIN PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END PRIVATE KEY-----\s*$/

/**
 * Makes the key for `privateKey` of a PKCS#8 PEM, as `openssl genpkey` writes it, or of a JWK. It cannot be read out again.
 *
 * Takes no encrypted key, and no PEM that begins otherwise than with `BEGIN PRIVATE KEY`. Does not check that the server
 * knows the key. Throws a `TypeError` with code `ERR_INVALID_ARG_VALUE` if it is no key, or not one for this algorithm.
 *
 * @example
 * ```ts
 * import { createClient, importPrivateKey } from '@sallyport/client'
 *
 * const api = createClient({
 *   issuer: 'https://auth.example.com/acme',
 *   clientId: process.env.CLIENT_ID ?? '',
 *   privateKey: await importPrivateKey(process.env.PRIVATE_KEY ?? '', 'ES256'),
 *   origins: ['https://api.example.com'],
 * })
 * await api.fetch('https://api.example.com/invoices')
 * ```
 */
export async function importPrivateKey(
  key: string | Readonly<Record<string, unknown>>,
  algorithm: KeyAlgorithm = 'ES256',
): Promise<CryptoKey> {
  const parameters = algorithms[algorithm]
  try {
    return typeof key === 'string'
      ? await crypto.subtle.importKey('pkcs8', bytesOf(key), parameters, false, ['sign'])
      : await crypto.subtle.importKey('jwk', key, parameters, false, ['sign'])
  } catch {
    // Without its cause, which may show parts of the key.
    return refuse('ERR_INVALID_ARG_VALUE', `importPrivateKey: this is no private key for ${algorithm}`)
  }
}

function bytesOf(pem: string): Uint8Array<ArrayBuffer> {
  const [, base64 = ''] = pkcs8.exec(pem.trim()) ?? []
  return Uint8Array.from(atob(base64.replaceAll(/\s/g, '')), (character) => character.charCodeAt(0))
}
