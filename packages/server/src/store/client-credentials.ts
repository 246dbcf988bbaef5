/**
 * The credentials of an app as they also stand in its own row: a token request then reads one page of the database
 * instead of two, which with a million apps is the difference between nine microseconds and six. The rows of
 * `credentials` are the truth; whoever changes one brings the copy up to date in the same transaction.
 */

import type { WriteTransaction } from './database.ts'

export interface ClientCredential {
  readonly id: string
  readonly format: string
  readonly verifier: Uint8Array
  readonly pepperVersion: number | null
  readonly expiresAt: number | null
  readonly disabledAt: number | null
  readonly exposedAt: number | null
}

type Packed = [
  id: string,
  format: string,
  verifier: string,
  pepperVersion: number | null,
  expiresAt: number | null,
  disabledAt: number | null,
  exposedAt: number | null,
]

/** What stands in the app's row. */
export const packClientCredentials = (credentials: readonly ClientCredential[]): string =>
  JSON.stringify(
    credentials.map(
      ({ id, format, verifier, pepperVersion, expiresAt, disabledAt, exposedAt }): Packed => [
        id,
        format,
        Buffer.from(verifier).toString('base64url'),
        pepperVersion,
        expiresAt,
        disabledAt,
        exposedAt,
      ],
    ),
  )

export const parseClientCredentials = (text: string): readonly ClientCredential[] =>
  (JSON.parse(text) as Packed[]).map(
    ([id, format, verifier, pepperVersion, expiresAt, disabledAt, exposedAt]) => ({
      id,
      format,
      verifier: Buffer.from(verifier, 'base64url'),
      pepperVersion,
      expiresAt,
      disabledAt,
      exposedAt,
    }),
  )

/** To be called after every change of an app's credentials, in its transaction. */
export async function copyToApp(tx: WriteTransaction, tenantId: string, clientId: string): Promise<void> {
  const rows = await tx.kysely
    .selectFrom('credentials')
    .select(['id', 'format', 'verifier', 'pepper_version as pepperVersion', 'expires_at as expiresAt'])
    .select(['disabled_at as disabledAt', 'exposed_at as exposedAt'])
    .where('tenant_id', '=', tenantId)
    .where('client_id', '=', clientId)
    .orderBy('id')
    .execute()
  await tx.kysely
    .updateTable('apps')
    .set({ credentials: packClientCredentials(rows) })
    .where('tenant_id', '=', tenantId)
    .where('client_id', '=', clientId)
    .execute()
}
