/** Requests for keys: an organization asks, the provider's people decide, once. */

import type { Kysely } from 'kysely'
import type { WriteTransaction } from './database.ts'
import { isMadeAfter, type MadePlace } from './made-after.ts'
import type { KeyRequestsTable, Schema } from './schema.ts'

type From = { readonly kysely: Kysely<Schema> }

export type KeyRequestState = KeyRequestsTable['state']

export interface KeyRequestRecord {
  readonly id: string
  readonly organizationId: string
  readonly state: KeyRequestState
  readonly appName: string
  readonly purpose: string
  readonly askedBy: string
  readonly decidedBy: string | null
  readonly decidedAt: number | null
  readonly answer: string | null
  /** Of the app that the approval has made. */
  readonly clientId: string | null
  readonly createdAt: number
}

const toKeyRequest = (row: KeyRequestsTable): KeyRequestRecord => ({
  ...{ id: row.id, organizationId: row.organization_id, state: row.state },
  ...{ appName: row.app_name, purpose: row.purpose, askedBy: row.asked_by },
  ...{ decidedBy: row.decided_by, decidedAt: row.decided_at, answer: row.answer },
  ...{ clientId: row.client_id, createdAt: row.created_at },
})

const ofTenant = ({ kysely }: From, tenantId: string) =>
  kysely.selectFrom('key_requests').selectAll().where('tenant_id', '=', tenantId)

export interface KeyRequestQuery {
  readonly after: MadePlace | undefined
  readonly limit: number
  readonly state?: KeyRequestState | undefined
  readonly organizationId?: string | undefined
}

/** Whoever has waited longest comes first. */
export async function listKeyRequests(
  from: From,
  tenantId: string,
  { after, limit, state, organizationId }: KeyRequestQuery,
): Promise<KeyRequestRecord[]> {
  let query = ofTenant(from, tenantId).orderBy('created_at').orderBy('id').limit(limit)
  if (state !== undefined) query = query.where('state', '=', state)
  if (organizationId !== undefined) query = query.where('organization_id', '=', organizationId)
  if (after !== undefined) query = query.where(isMadeAfter(after))
  return (await query.execute()).map(toKeyRequest)
}

export async function findKeyRequest(
  from: From,
  tenantId: string,
  id: string,
): Promise<KeyRequestRecord | null> {
  const row = await ofTenant(from, tenantId).where('id', '=', id).executeTakeFirst()
  return row ? toKeyRequest(row) : null
}

export async function addKeyRequest(
  tx: WriteTransaction,
  tenantId: string,
  request: Pick<KeyRequestRecord, 'id' | 'organizationId' | 'appName' | 'purpose' | 'askedBy'>,
): Promise<void> {
  await tx.kysely
    .insertInto('key_requests')
    .values({
      ...{ tenant_id: tenantId, id: request.id, organization_id: request.organizationId, state: 'asked' },
      ...{ app_name: request.appName, purpose: request.purpose, asked_by: request.askedBy },
      ...{ decided_by: null, decided_at: null, answer: null, client_id: null, created_at: tx.now },
    })
    .execute()
}

export interface Decision {
  readonly state: Exclude<KeyRequestState, 'asked'>
  readonly decidedBy: string
  readonly answer: string | null
  readonly clientId: string | null
}

/** Of several who decide at once the first has decided: the others get null. */
export async function decideKeyRequest(
  tx: WriteTransaction,
  tenantId: string,
  id: string,
  { state, decidedBy, answer, clientId }: Decision,
): Promise<KeyRequestRecord | null> {
  const row = await tx.kysely
    .updateTable('key_requests')
    .set({ state, decided_by: decidedBy, decided_at: tx.now, answer, client_id: clientId })
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .where('state', '=', 'asked')
    .returningAll()
    .executeTakeFirst()
  return row ? toKeyRequest(row) : null
}

/** Only one that nobody has decided: says whether it was. */
export async function removeKeyRequest(tx: WriteTransaction, tenantId: string, id: string): Promise<boolean> {
  const { numDeletedRows } = await tx.kysely
    .deleteFrom('key_requests')
    .where('tenant_id', '=', tenantId)
    .where('id', '=', id)
    .where('state', '=', 'asked')
    .executeTakeFirst()
  return numDeletedRows > 0n
}
