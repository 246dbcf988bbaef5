/** What the suite asks of each client, and what each must say of itself. */

import type { ClientCertificate, KeyAlgorithm, SigningKey } from './material.ts'

/** The ways to prove who one is, and the app of the blueprint for each. */
export const apps = {
  client_secret_basic: 'basic',
  client_secret_post: 'post',
  client_secret_jwt: 'secret-jwt',
  'private_key_jwt ES256': 'key-es256',
  'private_key_jwt EdDSA': 'key-eddsa',
  'private_key_jwt PS256': 'key-ps256',
  'private_key_jwt RS256': 'key-rs256',
  tls_client_auth: 'authority',
  self_signed_tls_client_auth: 'self-signed',
} as const
export type Proof = keyof typeof apps
export const proofs = Object.keys(apps) as Proof[]

/** The algorithm of a proof by key. */
export const keyAlgorithmOf = (proof: Proof): KeyAlgorithm | undefined =>
  proof.startsWith('private_key_jwt ') ? (proof.slice('private_key_jwt '.length) as KeyAlgorithm) : undefined

/** One token to get. */
export interface Order {
  readonly proof: Proof
  readonly issuer: string
  readonly clientId: string
  readonly secret?: string
  readonly key?: SigningKey
  /** Beside a key, it is only what the token is bound to. */
  readonly certificate?: ClientCertificate
  /** Whether the token is to be bound to a key of the client (RFC 9449). */
  readonly dpop: boolean
  /** For programs of their own: the path of the CA's certificate, and a folder for what they read. */
  readonly ca: string
  readonly folder: string
}

export interface Token {
  readonly accessToken: string
  /** As the client hands it on; undefined where it keeps it to itself. */
  readonly tokenType: string | undefined
}

export interface Client {
  readonly name: string
  readonly language: string
  /** Whether package-lock.json says which version it is; otherwise it is the machine's. */
  readonly isPinned: boolean
  readonly proofs: readonly Proof[]
  readonly dpop: boolean
  /** How it finds the endpoint: by metadata, or it has to be told. */
  readonly discovery: readonly Discovery[]
  /** What it reports of a wrong secret or key. */
  readonly refusal: RegExp
  /** Each a sentence that the suite has a test for. */
  readonly notes: readonly string[]
  version(): string
  /** Why it cannot be run here; makes it ready where it can. */
  whyAbsent?(): string | undefined
  token(order: Order, discovery?: Discovery): Promise<Token>
}

export type Discovery = 'RFC 8414' | 'OpenID Connect'

/** What was left out in an order is a mistake of the suite. */
export function given<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new Error(`the order has no ${name}`)
  return value
}
