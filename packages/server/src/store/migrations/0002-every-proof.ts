/** What the further ways to prove who you are need: secrets that can be opened again, things used once, shared counts. */

import type { Kysely } from 'kysely'
import type { Schema } from '../schema.ts'
import type { ColumnTypes, Migration } from './migration.ts'

export const everyProof: Migration = {
  id: 2,
  name: 'every proof',
  async run(kysely, types) {
    await kysely.schema.alterTable('credentials').addColumn('sealed_secret', types.bytes).execute()
    await createUsedOnce(kysely, types)
    await createThrottleCounters(kysely, types)
  },
}

/** Both keys begin with a time, so that what is old lies together and is swept without a scan. */
async function createUsedOnce(
  kysely: Kysely<Schema>,
  { integer, bytes, keyedTable }: ColumnTypes,
): Promise<void> {
  await kysely.schema
    .createTable('used_once')
    .addColumn('expires_at', integer, (column) => column.notNull())
    .addColumn('digest', bytes, (column) => column.notNull())
    .addPrimaryKeyConstraint('used_once_key', ['expires_at', 'digest'])
    .modifyEnd(keyedTable)
    .execute()
}

async function createThrottleCounters(
  kysely: Kysely<Schema>,
  { integer, bytes, keyedTable }: ColumnTypes,
): Promise<void> {
  await kysely.schema
    .createTable('throttle_counters')
    .addColumn('window_started_at', integer, (column) => column.notNull())
    .addColumn('key', bytes, (column) => column.notNull())
    .addColumn('count', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('throttle_counters_key', ['window_started_at', 'key'])
    .modifyEnd(keyedTable)
    .execute()
}
