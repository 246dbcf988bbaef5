/**
 * The audit chain: one list for the whole server, in which each record's hash covers the record before it. A record is
 * written in the transaction of what it tells of, so what cannot be recorded is not done.
 */

import { createHash } from 'node:crypto'
import { type Kysely, sql } from 'kysely'
import type { NewChange } from './changes.ts'
import type { AuditRecordsTable, Schema } from './schema.ts'

/**
 * Who did it: `server`, `command NAME (user)`, `app CLIENT_ID` of the system tenant, `user ID`, `client CLIENT_ID` that
 * has given its own token back or changed its registration, or `registration token ID` that an app was registered with.
 */
export type Actor = string

export interface NewAuditRecord {
  /** Null for what belongs to no tenant. */
  readonly tenantId: string | null
  readonly actor: Actor
  /** The operation, or what a change is called that no operation has made. */
  readonly action: string
  /** A noun and its id, such as `app billing-sync`. */
  readonly target: string
  readonly outcome?: 'done' | 'refused'
  /** Why it was refused. */
  readonly reason?: string
  readonly requestId?: string
  /** JSON text, never with a secret. */
  readonly before?: string | null
  readonly after?: string | null
}

export interface AuditRecord {
  readonly number: number
  readonly tenantId: string | null
  /** Epoch seconds. */
  readonly happenedAt: number
  readonly actor: Actor
  readonly action: string
  readonly target: string
  readonly outcome: 'done' | 'refused'
  readonly reason: string | null
  readonly requestId: string | null
  /** JSON text. */
  readonly before: string | null
  readonly after: string | null
  /** SHA-256 over the hash before it and all of the above. */
  readonly hash: Uint8Array
}

/** Each change as a record of its own, where nobody has said more of them. */
export const recordsOf = (changes: readonly NewChange[], by: Actor = 'server'): readonly NewAuditRecord[] =>
  changes.map(({ tenantId, noun, subjectId, detail }) => ({
    tenantId,
    actor: by,
    action: noun === 'revocation' ? 'revoke' : `change ${noun}`,
    target: noun === 'revocation' ? subjectId : `${noun} ${subjectId}`,
    after: detail ?? null,
  }))

/** What comes before the first record. */
export const chainStart = new Uint8Array(32)

/** RFC 8785 is not needed: the members stand in one order, and the texts are kept as they were hashed. */
export function hashOf(before: Uint8Array, record: Omit<AuditRecord, 'hash'>): Uint8Array {
  const { number, tenantId, happenedAt, actor, action, target, outcome, reason, requestId } = record
  const facts = [number, tenantId, happenedAt, actor, action, target, outcome, reason, requestId]
  const text = JSON.stringify([...facts, record.before, record.after])
  return createHash('sha256').update(before).update(text).digest()
}

const rowsPerInsert = 500

/** Only where no other transaction can append: a chain has one end. */
export async function appendAuditRecords(
  kysely: Kysely<Schema>,
  records: readonly NewAuditRecord[],
  now: number,
): Promise<void> {
  if (records.length === 0) return
  const rows = linked(records, await readHead({ kysely }), now)
  for (let start = 0; start < rows.length; start += rowsPerInsert) {
    const piece = rows.slice(start, start + rowsPerInsert)
    await kysely.insertInto('audit_records').values(piece.map(toRow)).execute()
  }
}

function linked(records: readonly NewAuditRecord[], head: AuditHead, now: number): AuditRecord[] {
  let { number, hash } = head
  return records.map((record) => {
    number += 1
    const whole = toWhole(record, number, now)
    hash = hashOf(hash, whole)
    return { ...whole, hash }
  })
}

function toWhole(record: NewAuditRecord, number: number, happenedAt: number): Omit<AuditRecord, 'hash'> {
  const { tenantId, outcome = 'done', reason = null, requestId = null } = record
  return {
    ...{ number, tenantId, happenedAt, outcome },
    actor: kept(record.actor),
    action: kept(record.action),
    target: kept(record.target),
    reason: reason && kept(reason),
    requestId: requestId && kept(requestId),
    before: stateOf(record.before),
    after: stateOf(record.after),
  }
}

/** Half a surrogate pair comes back from a database as another character, under another hash. */
const kept = (text: string): string => text.toWellFormed()

/** In the written form there is no telling JSON's `null` from nothing. */
const stateOf = (text: string | null | undefined): string | null =>
  text === undefined || text === 'null' ? null : text

/** The end of the chain: kept outside the database, it shows when records were cut off. */
export interface AuditHead {
  /** 0 where there is no record yet. */
  readonly number: number
  readonly hash: Uint8Array
}

type From = { readonly kysely: Kysely<Schema> }

export async function readHead({ kysely }: From): Promise<AuditHead> {
  const row = await kysely
    .selectFrom('audit_records')
    .select(['number', 'hash'])
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row ? { ...row } : { number: 0, hash: chainStart }
}

/** The chain up to that record; null where it does not exist. */
export async function readHeadAt({ kysely }: From, number: number): Promise<AuditHead | null> {
  if (number === 0) return { number, hash: chainStart }
  const query = kysely.selectFrom('audit_records').select(['number', 'hash']).where('number', '=', number)
  const row = await query.executeTakeFirst()
  return row ? { ...row } : null
}

export interface AuditQuery {
  /** Left out, of all tenants and of none. */
  readonly tenantId?: string | undefined
  /** The number after which to begin, or with `newestFirst` before which. */
  readonly after?: number | undefined
  readonly limit: number
  readonly newestFirst?: boolean
  /** Epoch seconds; nothing that happened before. */
  readonly since?: number | undefined
  /** What is looked for, and not only a bound: from `since` on, before `until`. */
  readonly time?: { readonly since?: number | undefined; readonly until?: number | undefined }
  readonly actor?: Actor | undefined
  /** Only of these things. */
  readonly targets?: readonly string[] | undefined
  /** Only of these operations. */
  readonly actions?: readonly string[] | undefined
}

export async function listAuditRecords(
  { kysely }: From,
  { tenantId, after, limit, newestFirst = false, since, time = {}, actor, targets, actions }: AuditQuery,
): Promise<AuditRecord[]> {
  let query = kysely
    .selectFrom('audit_records')
    .selectAll()
    .orderBy('number', newestFirst ? 'desc' : 'asc')
    .limit(limit)
  if (tenantId !== undefined) query = query.where('tenant_id', '=', tenantId)
  if (since !== undefined) query = query.where('happened_at', '>=', since)
  if (actor !== undefined) query = query.where('actor', '=', actor)
  if (targets !== undefined) query = query.where('target', 'in', targets)
  if (actions !== undefined) query = query.where('action', 'in', actions)
  if (after !== undefined) query = query.where('number', newestFirst ? '<' : '>', after)
  if (time.since !== undefined) query = query.where(isSince(time.since))
  if (time.until !== undefined) query = query.where(isUntil(time.until))
  return (await query.execute()).map(toRecord)
}

// The bound of the number follows from the time, and keeps the rest of the chain, which is read by number, out of it; `+ 0`
// has PostgreSQL find it by time too.
const isSince = (since: number) =>
  sql<boolean>`happened_at >= ${since} and number >=
    (select min(number + 0) from audit_records where happened_at >= ${since})`

const isUntil = (until: number) =>
  sql<boolean>`happened_at < ${until} and number <=
    (select max(number + 0) from audit_records where happened_at < ${until})`

const toRow = (record: AuditRecord): AuditRecordsTable => ({
  number: record.number,
  tenant_id: record.tenantId,
  happened_at: record.happenedAt,
  actor: record.actor,
  action: record.action,
  target: record.target,
  outcome: record.outcome,
  reason: record.reason,
  request_id: record.requestId,
  state_before: record.before,
  state_after: record.after,
  hash: record.hash,
})

const toRecord = (row: AuditRecordsTable): AuditRecord => ({
  number: row.number,
  tenantId: row.tenant_id,
  happenedAt: row.happened_at,
  actor: row.actor,
  action: row.action,
  target: row.target,
  outcome: row.outcome,
  reason: row.reason,
  requestId: row.request_id,
  before: row.state_before,
  after: row.state_after,
  hash: row.hash,
})
