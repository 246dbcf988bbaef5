/** Whose a secret is, when nothing but the secret is known. */

import type { RegistrationTokenKind } from '@sallyport/protocol'
import type { Kysely } from 'kysely'
import type { Schema } from './schema.ts'

export interface IndexedSecret {
  readonly tenantId: string
  readonly clientId: string
  readonly credentialId: string
  readonly verifier: Uint8Array
  readonly pepperVersion: number
  readonly exposedAt: number | null
  readonly disabledAt: number | null
  readonly expiresAt: number | null
}

/** `lookups`: of the one secret, under each of the peppers. */
export async function findByLookup(
  from: { readonly kysely: Kysely<Schema> },
  lookups: readonly Uint8Array[],
): Promise<IndexedSecret[]> {
  // PostgreSQL has no empty list.
  if (lookups.length === 0) return []
  const rows = await from.kysely
    .selectFrom('credentials')
    .select(['tenant_id as tenantId', 'client_id as clientId', 'id as credentialId', 'verifier'])
    .select(['pepper_version as pepperVersion', 'exposed_at as exposedAt', 'disabled_at as disabledAt'])
    .select('expires_at as expiresAt')
    .where('lookup', 'in', lookups)
    .where('format', '=', 'hmac-sha256')
    .execute()
  return rows.flatMap((row) =>
    row.pepperVersion === null ? [] : [{ ...row, pepperVersion: row.pepperVersion }],
  )
}

const tables = { initial: 'registration_tokens', registration: 'registrations' } as const

/** At which tenant a registration token is one; of tokens that were taken back nothing is known. */
export async function findTenantByDigest(
  { kysely }: { readonly kysely: Kysely<Schema> },
  kind: RegistrationTokenKind,
  digest: Uint8Array,
): Promise<string | null> {
  const row = await kysely
    .selectFrom(tables[kind])
    .select('tenant_id')
    .where('digest', '=', digest)
    .executeTakeFirst()
  return row?.tenant_id ?? null
}
