/** What the ends of tokens, secrets and keys need: revocations in the feed, opaque tokens in partitions, notices. */

import { type Kysely, sql } from 'kysely'
import type { Schema } from '../schema.ts'
import type { ColumnTypes, Migration } from './migration.ts'

export const everyEnd: Migration = {
  id: 3,
  name: 'every end',
  async run(kysely, types) {
    await kysely.schema.alterTable('changes').addColumn('detail', types.text).execute()
    await addToCredentials(kysely, types)
    await kysely.schema
      .alterTable('signing_keys')
      .addColumn('longest_token_seconds', types.integer, (column) => column.defaultTo(0))
      .execute()
    await createRevocations(kysely, types)
    await createOpaqueTokenPartitions(kysely, types)
    await createNotices(kysely, types)
  },
}

/** SQLite adds one column at a time. */
async function addToCredentials(kysely: Kysely<Schema>, { bytes }: ColumnTypes): Promise<void> {
  await kysely.schema.alterTable('credentials').addColumn('origin', bytes).execute()
  await kysely.schema.alterTable('credentials').addColumn('lookup', bytes).execute()
  await sql`create index credentials_by_lookup on credentials (lookup) where lookup is not null`.execute(
    kysely,
  )
  await sql`create index credentials_by_expiry on credentials (expires_at, tenant_id, client_id, id)
    where expires_at is not null`.execute(kysely)
}

/** No foreign key: a cut-off outlives what it names. */
async function createRevocations(
  kysely: Kysely<Schema>,
  { text, integer, keyedTable }: ColumnTypes,
): Promise<void> {
  await kysely.schema
    .createTable('revocations')
    .addColumn('tenant_id', text, (column) => column.notNull())
    .addColumn('kind', text, (column) => column.notNull())
    .addColumn('subject_id', text, (column) => column.notNull())
    .addColumn('issued_until', integer, (column) => column.notNull())
    .addColumn('expires_at', integer)
    .addPrimaryKeyConstraint('revocations_key', ['tenant_id', 'kind', 'subject_id'])
    .modifyEnd(keyedTable)
    .execute()
  // What is swept: single tokens by their own end, cut-offs by their age.
  await sql`create index revocations_by_end on revocations (tenant_id, expires_at, issued_until)`.execute(
    kysely,
  )
}

/** The partitions themselves are tables that are made and dropped as time goes on; this is the list of them. */
async function createOpaqueTokenPartitions(
  kysely: Kysely<Schema>,
  { text, integer, keyedTable }: ColumnTypes,
): Promise<void> {
  await kysely.schema
    .createTable('opaque_token_partitions')
    .addColumn('id', text, (column) => column.notNull())
    .addColumn('ends_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('opaque_token_partitions_key', ['id'])
    .modifyEnd(keyedTable)
    .execute()
}

/** What an organization's people should hear of: the portal shows it, `sallyport notices` lists it. */
async function createNotices(
  kysely: Kysely<Schema>,
  { text, integer, counted, countedTable }: ColumnTypes,
): Promise<void> {
  await kysely.schema
    .createTable('notices')
    .addColumn('seq', counted, (column) => column.primaryKey())
    .addColumn('tenant_id', text, (column) => column.notNull())
    .addColumn('client_id', text, (column) => column.notNull())
    .addColumn('credential_id', text, (column) => column.notNull())
    .addColumn('kind', text, (column) => column.notNull())
    .addColumn('detail', text, (column) => column.notNull())
    .addColumn('about_at', integer)
    .addColumn('happened_at', integer, (column) => column.notNull())
    .modifyEnd(countedTable)
    .execute()
  // Of one thing about one secret there is one notice, however often it is seen.
  await sql`create unique index notices_once on notices (tenant_id, client_id, credential_id, kind)`.execute(
    kysely,
  )
}
