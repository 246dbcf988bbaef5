// Clients with keys: made by jose, which the server does not use, and saved by the store's own verbs.
import type { webcrypto } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { saveCredential } from '../../src/store/credentials.ts'
import type { TestReply, TestServer } from '../harness.ts'

export type Algorithm = 'ES256' | 'ES384' | 'EdDSA' | 'PS256' | 'RS256'

export interface Key {
  readonly algorithm: Algorithm
  readonly privateKey: webcrypto.CryptoKey
  readonly publicJwk: JWK
}

export async function makeKey(algorithm: Algorithm = 'ES256'): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  return { algorithm, privateKey: privateKey as webcrypto.CryptoKey, publicJwk: await exportJWK(publicKey) }
}

/** Registers a public key under the app, as `apply` does. */
export async function saveKey(
  { db }: TestServer,
  tenantId: string,
  clientId: string,
  id: string,
  jwk: object,
  life: { readonly expiresAt?: number; readonly disabledAt?: number } = {},
): Promise<void> {
  const verifier = Buffer.from(JSON.stringify(jwk))
  await db.write((tx) =>
    saveCredential(tx, tenantId, clientId, { id, format: 'jwk', verifier, pepperVersion: null, ...life }),
  )
}

let identifiers = 0
export const freshId = (): string => `id-${++identifiers}`

export type Members = Readonly<Record<string, unknown>>

/** A good assertion of `clientId` but for what the test changes; `undefined` leaves a claim out. */
export function assertionClaims(clientId: string, now: number, changes: Members = {}): Members {
  const claims = {
    iss: clientId,
    sub: clientId,
    aud: 'https://localhost:8443/acme',
    jti: freshId(),
    iat: now,
    exp: now + 60,
    ...changes,
  }
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
}

export const sign = (key: Key, claims: Members, header: Members = {}): Promise<string> =>
  new SignJWT(claims as Record<string, unknown>)
    .setProtectedHeader({ alg: key.algorithm, ...header })
    .sign(key.privateKey)

export const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export const withAssertion = (assertion: string, more: Readonly<Record<string, string>> = {}) => ({
  body: {
    grant_type: 'client_credentials',
    client_assertion_type: jwtBearer,
    client_assertion: assertion,
    ...more,
  },
})

export const tokenUrl = 'https://localhost:8443/acme/oauth2/token'

export const proofClaims = (now: number, changes: Members = {}): Members => {
  const claims = { jti: freshId(), htm: 'POST', htu: tokenUrl, iat: now, ...changes }
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
}

export const proof = (key: Key, now: number, changes: Members = {}, header: Members = {}): Promise<string> =>
  sign(key, proofClaims(now, changes), { typ: 'dpop+jwt', jwk: key.publicJwk, ...header })

export const reasonOf = (server: TestServer): unknown => server.logLines.at(-1)?.reason

export const claimsOf = ({ json }: TestReply): Record<string, never> =>
  JSON.parse(Buffer.from(json.access_token.split('.')[1], 'base64url').toString())
