/** Answers that were given once, by the key that their callers had chosen. */

import { type Kysely, sql } from 'kysely'
import type { Database, WriteTransaction } from './database.ts'
import type { Schema } from './schema.ts'
import { sweepInBites } from './sweep.ts'

export interface KeptAnswer {
  readonly status: number
  /** JSON text; null where there was none, or it held a secret. */
  readonly body: string | null
  readonly headers: Readonly<Record<string, string>>
}

export interface GivenAnswer extends KeptAnswer {
  /** Of what was asked with the key. */
  readonly requestDigest: Uint8Array
}

const notYet = 0

/**
 * Null for whoever comes first with a key, who then keeps the answer; of several at once all others wait here until it has,
 * and get it.
 */
export async function claimIdempotencyKey(
  tx: WriteTransaction,
  digest: Uint8Array,
  requestDigest: Uint8Array,
  expiresAt: number,
): Promise<GivenAnswer | null> {
  await tx.kysely
    .deleteFrom('idempotency_keys')
    .where('digest', '=', digest)
    .where('expires_at', '<', tx.now)
    .execute()
  const claimed = await tx.kysely
    .insertInto('idempotency_keys')
    .values({
      digest,
      request_digest: requestDigest,
      status: notYet,
      body: null,
      headers: null,
      expires_at: expiresAt,
    })
    .onConflict((conflict) => conflict.column('digest').doNothing())
    .returning('digest')
    .execute()
  if (claimed.length > 0) return null
  const row = await tx.kysely
    .selectFrom('idempotency_keys')
    .selectAll()
    .where('digest', '=', digest)
    .executeTakeFirstOrThrow()
  const headers = row.headers === null ? {} : JSON.parse(row.headers)
  return { requestDigest: row.request_digest, status: row.status, body: row.body, headers }
}

/** Whether somebody came first with it, until then; who comes at the same time may not be seen yet. */
export async function isKeyClaimed(
  { kysely }: Database,
  digest: Uint8Array,
  until: number,
): Promise<boolean> {
  const row = await kysely
    .selectFrom('idempotency_keys')
    .select('digest')
    .where('digest', '=', digest)
    .where('expires_at', '>', until)
    .executeTakeFirst()
  return row !== undefined
}

export async function keepAnswer(
  tx: WriteTransaction,
  digest: Uint8Array,
  { status, body, headers }: KeptAnswer,
): Promise<void> {
  const row = { status, body, headers: JSON.stringify(headers) }
  await tx.kysely.updateTable('idempotency_keys').set(row).where('digest', '=', digest).execute()
}

/** Until `stopping`; answers how many are gone. */
export const sweepIdempotencyKeys = (db: Database, now: number, stopping?: AbortSignal): Promise<number> =>
  sweepInBites(db, (kysely, limit) => deleteEnded(kysely, now, limit), stopping)

async function deleteEnded(kysely: Kysely<Schema>, now: number, limit: number): Promise<bigint> {
  const { numAffectedRows = 0n } = await sql`
    delete from idempotency_keys where digest in
      (select digest from idempotency_keys where expires_at < ${now} limit ${sql.lit(limit)})`.execute(kysely)
  return numAffectedRows
}
