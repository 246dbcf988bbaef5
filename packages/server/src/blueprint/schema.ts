/** The blueprint file: the nouns' own settings, put together the way people write them. */

import { type Static, type TObject, type TProperties, Type } from 'typebox'
import { AppSettings } from '../apps/settings.ts'
import {
  ApiSettings,
  DateText,
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
  'generated, {from_env: NAME}, {from_file: PATH} or {hash: "sha256:…"}, never the secret itself'

export const SecretSource = Type.Union(
  [
    Type.Literal('generated'),
    Type.Object({ from_env: Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]{0,127}$' }) }, closed),
    Type.Object({ from_file: Type.String({ minLength: 1 }) }, closed),
    /** SHA-256 of a secret that somebody else generated, so that its clients need not change. */
    Type.Object({ hash: Type.String({ pattern: '^sha256:[A-Za-z0-9_-]{43}$' }) }, closed),
  ],
  { description: secretForms },
)
export type SecretSource = Static<typeof SecretSource>

export const CredentialEntry = Type.Object(
  { id: Identifier, secret: SecretSource, expires_at: Type.Optional(DateText) },
  closed,
)
export type CredentialEntry = Static<typeof CredentialEntry>

/** RFC 6749 App. A.1, less the colon, which ends the id in a Basic header (RFC 7617 §2). */
const ClientId = Type.String({
  pattern: '^[\\x21-\\x39\\x3B-\\x7E]{1,200}$',
  description: 'a client id: printable characters without blanks or colons',
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

export const TenantEntry = Type.Object(
  {
    id: Identifier,
    name: Name,
    environment: Type.Enum(['test', 'live']),
    hosts: Type.Optional(Type.Array(Host)),
    ...TenantSettings.properties,
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
