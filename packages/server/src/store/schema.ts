/** The tables as Kysely sees them, alike on SQLite and PostgreSQL: text, whole numbers and bytes, nothing else. */

import type { RevocationKind } from '@sallyport/protocol'
import type { Generated } from 'kysely'

/** JSON kept as text, so that both databases return the very bytes that were written. */
type JsonText = string
/** Whole seconds since 1970. */
type Seconds = number

interface Managed {
  /** The blueprint that made the row, or null; `apply --prune` removes only what its own blueprint made. */
  blueprint: string | null
  created_at: Seconds
  updated_at: Seconds
}

export interface TenantsTable extends Managed {
  id: string
  name: string
  environment: 'test' | 'live'
  settings: JsonText
  disabled_at: Seconds | null
  former_dialects: JsonText | null
}

/** A host name answers for exactly one tenant, so the host is the key. */
export interface TenantHostsTable {
  host: string
  tenant_id: string
}

export interface ApisTable extends Managed {
  tenant_id: string
  id: string
  /** Unique within the tenant: the `aud` of its tokens. */
  audience: string
  settings: JsonText
}

export interface PlansTable extends Managed {
  tenant_id: string
  id: string
  settings: JsonText
}

export interface OrganizationsTable extends Managed {
  tenant_id: string
  id: string
  name: string
  plan_id: string | null
  settings: JsonText
  disabled_at: Seconds | null
}

/** Keyed by client id, the one name that every token request brings. */
export interface AppsTable extends Managed {
  tenant_id: string
  client_id: string
  /** The name its makers gave it, unique within the tenant. */
  id: string
  organization_id: string
  name: string
  settings: JsonText
  disabled_at: Seconds | null
  /** A copy of what a token request needs of the app's credentials; see `client-credentials.ts`. */
  credentials: Generated<JsonText>
}

/** What one app says of another, by its id. */
export interface NamedAppsTable {
  tenant_id: string
  app_id: string
  /** Of the app that names it. */
  client_id: string
}

export interface CredentialsTable extends Managed {
  tenant_id: string
  client_id: string
  id: string
  /** Which rule checks it: `hmac-sha256` for ours, others for imported hashes. */
  format: string
  /** Never the secret: its HMAC under the pepper of `pepper_version`, an imported hash, a public key or a name. */
  verifier: Uint8Array
  pepper_version: number | null
  /** The clear secret, sealed by the master key; only of a secret that may be used with `client_secret_jwt`. */
  sealed_secret: Generated<Uint8Array | null>
  /** Once a foreign hash has been upgraded: a digest of it under the same pepper, so that its blueprint is still true. */
  origin: Generated<Uint8Array | null>
  /** Of a generated secret its HMAC without a client's name: whose it is, when all that is known is the secret. */
  lookup: Generated<Uint8Array | null>
  expires_at: Seconds | null
  disabled_at: Seconds | null
  /** When and how the clear secret was seen where it must not be: `plain_http`, `query_string` or `leak_report`. */
  exposed_at: Seconds | null
  exposed_by: string | null
  last_used_at: Seconds | null
}

export interface SigningKeysTable {
  tenant_id: string
  kid: string
  algorithm: string
  /** Set for a symmetric key, which belongs to one API and is never published. */
  api_id: string | null
  state: 'next' | 'active' | 'retiring' | 'retired'
  /** The public JWK; null for a symmetric key. */
  public_jwk: JsonText | null
  /** The private key (PKCS #8) or the symmetric key, sealed by the master key. */
  sealed: Uint8Array
  /** How long any token that it signs may live; null once that has no bound, 0 where nobody has noted it. */
  longest_token_seconds: Generated<number | null>
  created_at: Seconds
  /** Since when it is in its state. */
  updated_at: Seconds
}

/** HMAC keys for client secrets, sealed by the master key; the largest version hashes new secrets. */
export interface PeppersTable {
  version: number
  sealed: Uint8Array
  created_at: Seconds
}

/** The one change feed. `seq` grows in commit order: appends are serialized. */
export interface ChangesTable {
  seq: Generated<number>
  tenant_id: string
  noun: 'tenant' | 'organization' | 'app' | 'revocation'
  /** The tenant's id, the organization's id, the app's client id, or what is revoked: `kind id`. */
  subject_id: string
  happened_at: Seconds
  /** Of a revocation, what followers need to know; they read nothing else. */
  detail: JsonText | null
}

/** Which tokens are dead before their time. */
export interface RevocationsTable {
  tenant_id: string
  kind: RevocationKind
  /** An id of that kind; of a credential `client_id id`; of a token its `jti` or its digest. */
  subject_id: string
  /** Tokens with an `iat` up to and including this are dead. */
  issued_until: Seconds
  /** Of a single token its own end; null for all others, which are kept as long as a token may live. */
  expires_at: Seconds | null
}

/** The tables `opaque_tokens_<id>`, by when the last token in each has ended. */
export interface OpaqueTokenPartitionsTable {
  id: string
  ends_at: Seconds
}

/** What an organization's people should hear of a secret. */
export interface NoticesTable {
  seq: Generated<number>
  tenant_id: string
  client_id: string
  credential_id: string
  kind: 'exposed' | 'expires_soon'
  detail: JsonText
  /** Of one that expires soon, when: another end is worth another notice. */
  about_at: Seconds | null
  happened_at: Seconds
}

/** How often each app still leans on each dialect feature: who would be hit by its end date. */
export interface DialectUsesTable {
  tenant_id: string
  client_id: string
  feature: string
  uses: number
  last_used_at: Seconds
}

/** What may be used once and has been: the row is the use. Gone when nothing could bring it again. */
export interface UsedOnceTable {
  expires_at: Seconds
  digest: Uint8Array
}

/** Wrong attempts of all nodes, by the digest of whom they are counted for. */
export interface ThrottleCountersTable {
  window_started_at: Seconds
  key: Uint8Array
  count: number
}

/** The audit chain: what was done or refused, each record bound to the one before it. */
export interface AuditRecordsTable {
  /** 1, 2, 3 …, without a gap. */
  number: number
  /** Null for what belongs to no tenant. */
  tenant_id: string | null
  happened_at: Seconds
  actor: string
  action: string
  target: string
  outcome: 'done' | 'refused'
  reason: string | null
  request_id: string | null
  state_before: JsonText | null
  state_after: JsonText | null
  hash: Uint8Array
}

/** How far the chain has been handed on to each place outside, and who does it now. */
export interface AuditSinksTable {
  sink: string
  /** The last record that was handed on; 0 for none. */
  number: number
  hash: Uint8Array
  leader: string
  leads_until: Seconds
}

/** People of a tenant. */
export interface UsersTable {
  tenant_id: string
  id: string
  /** In lower case, unique in the tenant. */
  email: string
  name: string
  disabled_at: Seconds | null
  created_at: Seconds
  updated_at: Seconds
}

/** Roles that a tenant has made for itself, beside those that every tenant has. */
export interface RolesTable {
  tenant_id: string
  id: string
  name: string
  permissions: JsonText
  created_at: Seconds
  updated_at: Seconds
}

export interface MembershipsTable {
  tenant_id: string
  /** Empty for the tenant as a whole. */
  organization_id: string
  /** `user {id}` of the same tenant, or `app {client id}` of the system tenant. */
  member: string
  roles: JsonText
  created_at: Seconds
  updated_at: Seconds
}

export interface InvitationsTable {
  tenant_id: string
  id: string
  /** Empty for the tenant as a whole. */
  organization_id: string
  email: string
  roles: JsonText
  /** SHA-256 of the token that whoever is invited shows. */
  digest: Uint8Array
  expires_at: Seconds
  accepted_at: Seconds | null
  created_at: Seconds
}

/** An organization asks the provider's people for keys (000-02). */
export interface KeyRequestsTable {
  tenant_id: string
  id: string
  organization_id: string
  state: 'asked' | 'approved' | 'refused'
  app_name: string
  purpose: string
  asked_by: string
  decided_by: string | null
  decided_at: Seconds | null
  answer: string | null
  /** The app that an approval has made. */
  client_id: string | null
  created_at: Seconds
}

/** Initial access tokens: whoever shows one makes an app of the organization, so many times. */
export interface RegistrationTokensTable {
  tenant_id: string
  id: string
  organization_id: string
  name: string
  /** SHA-256 of the token. */
  digest: Uint8Array
  /** What the apps may have at most. */
  terms: JsonText
  registrations: number
  registered: number
  expires_at: Seconds
  created_at: Seconds
}

/** Of an app that has registered itself. */
export interface RegistrationsTable {
  tenant_id: string
  client_id: string
  /** The initial access token, which may be gone. */
  token_id: string
  /** SHA-256 of its registration access token. */
  digest: Uint8Array
  terms: JsonText
  /** The metadata that an app has no place for. */
  described: JsonText
  created_at: Seconds
}

export interface IdempotencyKeysTable {
  /** Of the caller, the operation and the key. */
  digest: Uint8Array
  request_digest: Uint8Array
  status: number
  /** Null where the answer held a secret, which is shown once. */
  body: JsonText | null
  /** Those that are about what was made or changed. */
  headers: JsonText | null
  expires_at: Seconds
}

export interface Schema {
  tenants: TenantsTable
  tenant_hosts: TenantHostsTable
  apis: ApisTable
  plans: PlansTable
  organizations: OrganizationsTable
  apps: AppsTable
  named_apps: NamedAppsTable
  credentials: CredentialsTable
  signing_keys: SigningKeysTable
  peppers: PeppersTable
  changes: ChangesTable
  dialect_uses: DialectUsesTable
  used_once: UsedOnceTable
  throttle_counters: ThrottleCountersTable
  revocations: RevocationsTable
  opaque_token_partitions: OpaqueTokenPartitionsTable
  notices: NoticesTable
  audit_records: AuditRecordsTable
  audit_sinks: AuditSinksTable
  users: UsersTable
  roles: RolesTable
  memberships: MembershipsTable
  invitations: InvitationsTable
  key_requests: KeyRequestsTable
  registration_tokens: RegistrationTokensTable
  registrations: RegistrationsTable
  idempotency_keys: IdempotencyKeysTable
}
