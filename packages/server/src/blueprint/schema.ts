/** The blueprint file: the nouns' own settings, put together the way people write them. */

import { type Static, type TObject, type TProperties, Type } from 'typebox'
import { AppSettings } from '../apps/settings.ts'
import { FederationRule } from '../federation/rule.ts'
import {
  ApiSettings,
  Identifier,
  OrganizationSettings,
  PlanSettings,
  TenantSettings,
} from '../tenants/settings.ts'

const closed = { additionalProperties: false } as const

const Name = Type.String({
  minLength: 1,
  maxLength: 200,
  description: 'a name for people, 1 to 200 characters',
})

const secretForms =
  'generated, kept, {from_env: NAME}, {from_file: PATH} or {hash: "sha256:…"}, never the secret itself'

export const SecretSource = Type.Union(
  [
    Type.Literal('generated'),
    /** Whatever the credential has in the store, which must have it already: what an export says. */
    Type.Literal('kept'),
    Type.Object({ from_env: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,127}$' }) }, closed),
    Type.Object({ from_file: Type.String({ minLength: 1 }) }, closed),
    /** As somebody else has hashed it, so that its clients need not change; which hashes, is checked apart. */
    Type.Object({ hash: Type.String({ pattern: '^[\\x21-\\x7e]{1,1024}$' }) }, closed),
  ],
  { description: secretForms },
)
export type SecretSource = Static<typeof SecretSource>

/** A JWK, or where a file with a key is; which of the two, and that the key is a public one, is checked apart. */
export const PublicKeySource = Type.Record(Type.String(), Type.Unknown(), {
  description:
    'one public JWK as a map, or {from_file: PATH} of a JWK or a PEM public key; never a private key',
})
export type PublicKeySource = Static<typeof PublicKeySource>

const CertificateName = Type.Optional(Type.String({ minLength: 1, maxLength: 2048, description: 'a text' }))

/** RFC 8705 §2.1.2 and §2.2: exactly one of them. */
export const CertificateSource = Type.Object(
  {
    subject_dn: CertificateName,
    san_dns: CertificateName,
    san_uri: CertificateName,
    san_ip: CertificateName,
    san_email: CertificateName,
    sha256: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$',
        description: 'the SHA-256 of the certificate in base64url, 43 characters',
      }),
    ),
    from_file: Type.Optional(Type.String({ minLength: 1, description: 'the path of a PEM file' })),
  },
  closed,
)
export type CertificateSource = Static<typeof CertificateSource>

/** What a credential proves with: exactly one of them. */
const proofs = {
  secret: Type.Optional(SecretSource),
  public_key: Type.Optional(PublicKeySource),
  jwks_uri: Type.Optional(
    Type.String({
      pattern: '^https://[^\\s#@\\\\]{1,2000}$',
      description: 'the https URL of a JWK set, without fragment',
    }),
  ),
  certificate: Type.Optional(CertificateSource),
  federation: Type.Optional(FederationRule),
}
export type ProofForm = keyof typeof proofs
export const proofForms = Object.keys(proofs) as readonly ProofForm[]

/** A day, midnight UTC, or a moment of it: rotation ends a secret at any second. */
const ExpiryText = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}(?:T\\d{2}:\\d{2}:\\d{2}Z)?$',
  description: 'a date such as 2027-06-30, or a moment such as 2027-06-30T13:00:00Z',
})

export const CredentialEntry = Type.Object(
  { id: Identifier, ...proofs, expires_at: Type.Optional(ExpiryText) },
  closed,
)
export type CredentialEntry = Static<typeof CredentialEntry>

/** RFC 6749 App. A.1, less the colon, which ends the id in a Basic header (RFC 7617 §2). */
const ClientId = Type.String({
  // RFC 9700 §4.15: no client is taken for a user.
  pattern: '^(?!usr_)[\\x21-\\x39\\x3B-\\x7E]{1,200}$',
  description: 'a client id: printable characters without blanks or colons, not beginning with usr_',
})

export const AppEntry = Type.Object(
  {
    id: Identifier,
    name: Name,
    client_id: Type.Optional(ClientId),
    ...AppSettings.properties,
    credentials: Type.Optional(Type.Array(CredentialEntry)),
  },
  closed,
)
export type AppEntry = Static<typeof AppEntry>

export const OrganizationEntry = Type.Object(
  {
    id: Identifier,
    name: Name,
    plan: Type.Optional(Identifier),
    ...OrganizationSettings.properties,
    apps: Type.Optional(Type.Array(AppEntry)),
  },
  closed,
)
export type OrganizationEntry = Static<typeof OrganizationEntry>

export const ApiEntry = Type.Object(
  {
    id: Identifier,
    audience: Type.String({
      pattern: '^[\\x21\\x23-\\x5B\\x5D-\\x7E]{1,2048}$',
      description: 'an absolute URI or a plain name, without blanks',
    }),
    ...ApiSettings.properties,
  },
  closed,
)
export type ApiEntry = Static<typeof ApiEntry>

export const PlanEntry = Type.Object({ id: Identifier, ...PlanSettings.properties }, closed)
export type PlanEntry = Static<typeof PlanEntry>

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
// The last label begins with a letter, so that no address of a machine passes for a name.
const Host = Type.String({
  pattern: `^(?:${label}\\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$`,
  maxLength: 253,
  description: 'a lower-case host name with a dot in it, without scheme or port',
})

export const AuthoritySource = Type.Union(
  [Type.String({ minLength: 1 }), Type.Object({ from_file: Type.String({ minLength: 1 }) }, closed)],
  { description: 'one certificate in PEM, or {from_file: PATH} of a PEM file with one or more' },
)
export type AuthoritySource = Static<typeof AuthoritySource>

export const TenantEntry = Type.Object(
  {
    id: Identifier,
    name: Name,
    environment: Type.Enum(['test', 'live']),
    hosts: Type.Optional(Type.Array(Host)),
    ...TenantSettings.properties,
    certificate_authorities: Type.Optional(Type.Array(AuthoritySource, { minItems: 1 })),
    apis: Type.Optional(Type.Array(ApiEntry)),
    plans: Type.Optional(Type.Array(PlanEntry)),
    organizations: Type.Optional(Type.Array(OrganizationEntry)),
  },
  closed,
)
export type TenantEntry = Static<typeof TenantEntry>

export const BlueprintFile = Type.Object({ blueprint: Identifier, tenants: Type.Array(TenantEntry) }, closed)
export type BlueprintFile = Static<typeof BlueprintFile>

/** The part of an entry that the store keeps as settings, in the schema's order whatever the file's. */
export function pickSettings<Properties extends TProperties>(
  schema: TObject<Properties>,
  entry: Readonly<Record<string, unknown>>,
): Static<TObject<Properties>> {
  const names = Object.keys(schema.properties).filter((name) => entry[name] !== undefined)
  return Object.fromEntries(names.map((name) => [name, entry[name]])) as Static<TObject<Properties>>
}
