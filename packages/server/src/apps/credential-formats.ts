/** What a stored credential can be: `format` says how its `verifier` is read, and of which kind it therefore is. */

import { type ForeignFormat, isForeignFormat } from '../keys/imported/formats.ts'
import type { CredentialKind } from './authentication-methods.ts'

const kinds = {
  /** The HMAC of a secret under one of our peppers. */
  'hmac-sha256': 'secret',
  /** UTF-8 of one public JWK (RFC 7517 §4). */
  jwk: 'public_key',
  /** UTF-8 of the https URL of a JWK set. */
  jwks_uri: 'public_key',
  /** UTF-8 JSON of the one name (RFC 8705 §2.1.2) or thumbprint that the certificate must have. */
  certificate: 'certificate',
  /** UTF-8 JSON of a rule over an outside issuer's tokens. */
  federation: 'federation',
} as const satisfies Record<string, CredentialKind>

export type OwnFormat = keyof typeof kinds
/** Beside ours, hashes that somebody else has made, of secrets. */
export type CredentialFormat = OwnFormat | ForeignFormat

export const kindOfFormat = (format: string): CredentialKind | undefined =>
  isForeignFormat(format) ? 'secret' : (kinds as Readonly<Record<string, CredentialKind>>)[format]
