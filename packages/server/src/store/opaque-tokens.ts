/**
 * Opaque tokens, as digests only, in partitions by the hour in which the last of them ends: a partition goes as a whole,
 * without an index by which ended tokens would be found. Each partition is a table, listed in `opaque_token_partitions`; a
 * token says itself in which one it is.
 */

import { type Soon, whenKnown } from '@sallyport/protocol'
import { type Kysely, sql } from 'kysely'
import type { Database, OpaqueTokenRow, WriteTransaction } from './database.ts'
import { type PreparedQuery, prepareRead } from './prepared.ts'
import type { Schema } from './schema.ts'
import { sweepInBites } from './sweep.ts'

/** `endsAt` is null where tokens have no end: that partition is never dropped. */
export interface Partition {
  readonly id: string
  readonly endsAt: number | null
}

const endless: Partition = { id: 'zzzz', endsAt: null }
const hourSeconds = 3600
// Long lives are told apart by the day, so that there are never thousands of tables.
const shortLifeSeconds = 48 * hourSeconds

/** Where a token is kept that is issued and ends then, in epoch seconds. */
export function partitionOf(issuedAt: number, expiresAt: number | null): Partition {
  if (expiresAt === null) return endless
  const span = expiresAt - issuedAt > shortLifeSeconds ? 24 * hourSeconds : hourSeconds
  const endsAt = Math.ceil(expiresAt / span) * span
  return { id: idOfHour(endsAt / hourSeconds), endsAt }
}

const idOfHour = (hour: number): string => hour.toString(36).padStart(4, '0')

const idShape = /^[0-9a-z]{4}$/

/** Whether a token of this partition can still be good; false for what is no id of one. */
const mayStillHold = (id: string, now: number): boolean =>
  idShape.test(id) && (id === endless.id || Number.parseInt(id, 36) * hourSeconds > now)

/** Only ever of a checked id: the name stands in the text of a statement. */
export function tableOf(id: string): string {
  if (!idShape.test(id)) throw new RangeError('not the id of a partition')
  return `opaque_tokens_${id}`
}

/** What is known of a token beside its text. */
export interface KeptToken {
  readonly tenantId: string
  readonly apiId: string
  /** JSON text, as a JWT would hold them. */
  readonly claims: string
}

const partitionById = prepareRead<[id: string]>((db, param) =>
  db.selectFrom('opaque_token_partitions').select('id').where('id', '=', param.text).compile(),
)

type KeptRow = [tenantId: string, apiId: string, claims: string]

// As many as there are partitions that have not ended.
const finders = new Map<string, PreparedQuery<KeptRow>>()

function finderOf(id: string): PreparedQuery<KeptRow> {
  const known = finders.get(id)
  if (known) return known
  const table = sql.table(tableOf(id))
  const finder = prepareRead<KeptRow>((db, param) =>
    sql`select tenant_id, api_id, claims from ${table} where digest = ${param.text} and kind = 'access'`.compile(
      db,
    ),
  )
  finders.set(id, finder)
  return finder
}

/** Of an access token by its digest, base64url. Throws `StoreUnavailable` where nobody can know. */
export function findOpaqueToken(
  db: Database,
  partition: string,
  digest: string,
  now: number,
): Soon<KeptToken | null> {
  if (!mayStillHold(partition, now)) return null
  return whenKnown(hasPartition(db, partition), (isThere) =>
    isThere ? whenKnown(db.read(finderOf(partition), [digest]), keptToken) : null,
  )
}

const hasPartition = (db: Database, id: string): Soon<boolean> =>
  finders.has(id) || whenKnown(db.read(partitionById, [id]), (rows) => rows.length > 0)

const keptToken = ([row]: readonly KeptRow[]): KeptToken | null =>
  row ? { tenantId: row[0], apiId: row[1], claims: row[2] } : null

/** The statement that makes a partition's table; `keyed` ends it in the engine's own words. */
export const createPartitionSql = (id: string, keyed: string): string =>
  `create table if not exists ${tableOf(id)} (digest text not null primary key, tenant_id text not null,
   api_id text not null, kind text not null, family text, claims text not null)${keyed}`

/** For PostgreSQL: in one transaction, partitions that are new to it included. */
export async function insertOpaqueTokens(
  kysely: Kysely<Schema>,
  rows: readonly OpaqueTokenRow[],
): Promise<void> {
  for (const [id, ofPartition] of Map.groupBy(rows, ({ partition }) => partition.id)) {
    const values = ofPartition.map(
      (row) => sql`(${row.digest}, ${row.tenantId}, ${row.apiId}, ${row.kind}, ${row.family}, ${row.claims})`,
    )
    await sql`insert into ${sql.table(tableOf(id))} (digest, tenant_id, api_id, kind, family, claims)
      values ${sql.join(values)}`.execute(kysely)
  }
}

// A partition never ends in this program's life.
const endlessEnd = Number.MAX_SAFE_INTEGER

/** In a transaction of its own, before the first insert: other nodes may be doing the same. */
export async function makePartition(
  kysely: Kysely<Schema>,
  { id, endsAt }: Partition,
  keyed: string,
): Promise<void> {
  await sql.raw(createPartitionSql(id, keyed)).execute(kysely)
  await kysely
    .insertInto('opaque_token_partitions')
    .values({ id, ends_at: endsAt ?? endlessEnd })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** Whether anybody has tokens without end. */
export async function hasEndlessTokens({ kysely }: { readonly kysely: Kysely<Schema> }): Promise<boolean> {
  const query = kysely.selectFrom('opaque_token_partitions').select('id').where('id', '=', endless.id)
  return (await query.executeTakeFirst()) !== undefined
}

/**
 * In the transaction that removes the tenant, for as long as a look at every living token takes: the tenant's cut-off would
 * not do. It lasts as long as the tokens of a tenant made again under the name live, and these may have been given longer,
 * or no end at all. Leaves the partitions that have ended: nobody looks into them, and another process may be dropping them.
 */
export async function removeOpaqueTokens({ kysely, now }: WriteTransaction, tenantId: string): Promise<void> {
  const query = kysely.selectFrom('opaque_token_partitions').select('id').where('ends_at', '>', now)
  for (const { id } of await query.execute())
    await sql`delete from ${sql.table(tableOf(id))} where tenant_id = ${tenantId}`.execute(kysely)
}

// Whoever has read the list a moment ago may still look into a partition.
const droppedAfterSeconds = 600

/**
 * Answers the ids of those that are gone. Ends early when `stopping` is aborted: the next time goes on. What a process
 * whose clock is late puts into one of them meanwhile has ended too, and goes with it.
 */
export async function dropEndedPartitions(
  db: Database,
  now: number,
  stopping?: AbortSignal,
): Promise<string[]> {
  forgetEnded(now)
  const ended = await db.kysely
    .selectFrom('opaque_token_partitions')
    .select('id')
    .where('ends_at', '<', now - droppedAfterSeconds)
    .orderBy('id')
    .execute()
  const dropped: string[] = []
  for (const { id } of ended) {
    // SQLite takes each page of a table back one by one, and holds the lock and the process until it has the last.
    if (db.engine === 'sqlite')
      await sweepInBites(db, (kysely, limit) => takeTokens(kysely, id, limit), stopping)
    if (stopping?.aborted) break
    await db.write(({ kysely }) => dropPartition(kysely, id))
    dropped.push(id)
  }
  return dropped
}

/** Whichever process drops them. */
function forgetEnded(now: number): void {
  for (const id of finders.keys()) if (!mayStillHold(id, now)) finders.delete(id)
}

/** In the order of the key, so that whole pages become free. Another process may have dropped the partition. */
async function takeTokens(kysely: Kysely<Schema>, id: string, limit: number): Promise<bigint> {
  const listed = kysely.selectFrom('opaque_token_partitions').select('id').where('id', '=', id)
  if ((await listed.executeTakeFirst()) === undefined) return 0n
  const table = sql.table(tableOf(id))
  const { numAffectedRows = 0n } = await sql`
    delete from ${table} where digest in (select digest from ${table} order by digest limit ${sql.lit(limit)})`.execute(
    kysely,
  )
  return numAffectedRows
}

async function dropPartition(kysely: Kysely<Schema>, id: string): Promise<void> {
  await sql.raw(`drop table if exists ${tableOf(id)}`).execute(kysely)
  await kysely.deleteFrom('opaque_token_partitions').where('id', '=', id).execute()
}
