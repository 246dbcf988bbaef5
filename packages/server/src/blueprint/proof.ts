/** What a credential proves with, in one of five forms: the words for each, and the methods that can use it. */

import {
  type AuthenticationMethod,
  authenticationMethodNames,
  authenticationMethods,
  type CredentialKind,
} from '../apps/authentication-methods.ts'
import type { OwnFormat } from '../apps/credential-formats.ts'
import { type CredentialEntry, type ProofForm, proofForms } from './schema.ts'

export type Proof = {
  readonly [Form in ProofForm]: {
    readonly form: Form
    readonly source: NonNullable<CredentialEntry[Form]>
  }
}[ProofForm]

export const formsOf = (entry: CredentialEntry): readonly ProofForm[] =>
  proofForms.filter((form) => entry[form] !== undefined)

/** Null for an entry with none or with several, which is refused before it gets any further. */
export function proofOf(entry: CredentialEntry): Proof | null {
  const [form, ...others] = formsOf(entry)
  if (form === undefined || others.length > 0) return null
  return { form, source: entry[form] } as Proof
}

export const formWords: Readonly<Record<ProofForm, string>> = {
  secret: 'secret',
  public_key: 'public key',
  jwks_uri: 'key set',
  certificate: 'certificate',
  federation: 'federation rule',
}

const forms: Readonly<Record<OwnFormat, ProofForm>> = {
  'hmac-sha256': 'secret',
  jwk: 'public_key',
  jwks_uri: 'jwks_uri',
  certificate: 'certificate',
  federation: 'federation',
}

const formByFormat: ReadonlyMap<string, ProofForm> = new Map(Object.entries(forms))

/**
 * Of a stored credential. Hashes of others are secrets; so is what only a newer release knows, beside which this one may
 * still run: of a secret nothing is shown.
 */
export const formOfFormat = (format: string): ProofForm => formByFormat.get(format) ?? 'secret'

const kinds: Readonly<Record<ProofForm, CredentialKind>> = {
  secret: 'secret',
  public_key: 'public_key',
  jwks_uri: 'public_key',
  certificate: 'certificate',
  federation: 'federation',
}

/** The methods that the credential can be used with, where the app is registered for them. */
export function methodsFor(proof: Proof): readonly AuthenticationMethod[] {
  return authenticationMethodNames.filter(
    (name) => authenticationMethods[name].needs === kinds[proof.form] && isFit(proof, name),
  )
}

function isFit(proof: Proof, method: AuthenticationMethod): boolean {
  // A hash cannot key a MAC.
  if (method === 'client_secret_jwt') return proof.form === 'secret' && !isHash(proof)
  if (method === 'tls_client_auth') return proof.form === 'certificate' && !isThumbprint(proof)
  if (method === 'self_signed_tls_client_auth') return proof.form === 'certificate' && isThumbprint(proof)
  return true
}

export const isHash = ({ source }: Extract<Proof, { readonly form: 'secret' }>): boolean =>
  typeof source === 'object' && 'hash' in source

const isThumbprint = ({ source }: Extract<Proof, { readonly form: 'certificate' }>): boolean =>
  source.sha256 !== undefined || source.from_file !== undefined

/** What a method asks of a blueprint, in words. */
export const neededFor: Readonly<Record<AuthenticationMethod, string>> = {
  client_secret_basic: 'a credential with secret',
  client_secret_post: 'a credential with secret',
  client_secret_jwt: 'a credential with secret that is no hash',
  private_key_jwt: 'a credential with public_key or jwks_uri',
  tls_client_auth: 'a credential with certificate and a name in it, such as san_dns',
  self_signed_tls_client_auth: 'a credential with certificate and sha256 or from_file in it',
  federation: 'a credential with federation',
  none: 'nothing',
}
