/** Where each sink stands in the audit chain, and which process hands records on to it: one at a time, for a short while. */

import type { Kysely } from 'kysely'
import { type AuditHead, chainStart } from './audit-records.ts'
import type { WriteTransaction } from './database.ts'
import type { Schema } from './schema.ts'

/** How many records the sink has not got; below zero where the chain was cut off. */
export async function countWaiting(
  { kysely }: { readonly kysely: Kysely<Schema> },
  sink: string,
): Promise<number> {
  const { last, handedOn } = await kysely
    .selectNoFrom((eb) => [
      eb
        .selectFrom('audit_records')
        .select((one) => one.fn.max('number').as('last'))
        .as('last'),
      eb.selectFrom('audit_sinks').select('number').where('sink', '=', sink).as('handedOn'),
    ])
    .executeTakeFirstOrThrow()
  return (last ?? 0) - (handedOn ?? 0)
}

export interface SinkClaim {
  readonly sink: string
  /** The process. */
  readonly leader: string
  /** Epoch seconds. */
  readonly until: number
}

/** Answers where the sink stands; null where another process hands on to it. */
export async function claimSink(
  tx: WriteTransaction,
  { sink, leader, until }: SinkClaim,
): Promise<AuditHead | null> {
  await tx.kysely
    .insertInto('audit_sinks')
    .values({ ...{ sink, leader, number: 0, hash: chainStart }, leads_until: 0 })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const claimed = await tx.kysely
    .updateTable('audit_sinks')
    .set({ leader, leads_until: until })
    .where('sink', '=', sink)
    .where((eb) => eb.or([eb('leader', '=', leader), eb('leads_until', '<=', tx.now)]))
    .returning(['number', 'hash'])
    .executeTakeFirst()
  return claimed ?? null
}

/** Prolongs the claim with it; false where another process has taken over. */
export async function moveSink(
  tx: WriteTransaction,
  { sink, leader, until }: SinkClaim,
  from: AuditHead,
  { number, hash }: AuditHead,
): Promise<boolean> {
  const { numUpdatedRows } = await tx.kysely
    .updateTable('audit_sinks')
    .set({ number, hash, leads_until: until })
    .where('sink', '=', sink)
    .where('leader', '=', leader)
    .where('number', '=', from.number)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** So that another process need not wait for the end of the claim. */
export async function releaseSink(tx: WriteTransaction, sink: string, leader: string): Promise<void> {
  await tx.kysely
    .updateTable('audit_sinks')
    .set({ leads_until: 0 })
    .where('sink', '=', sink)
    .where('leader', '=', leader)
    .execute()
}
