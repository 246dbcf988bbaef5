/** Tenants and all they own, sealed keys, the change feed, and the counters of dialect features. */

import { type CreateTableBuilder, type Kysely, sql } from 'kysely'
import type { Schema } from '../schema.ts'
import type { ColumnTypes, Migration } from './migration.ts'

export const foundation: Migration = {
  id: 1,
  name: 'foundation',
  async run(kysely, types) {
    await createTenants(kysely, types)
    await createCustomers(kysely, types)
    await createKeys(kysely, types)
    await createFeedAndCounters(kysely, types)
  },
}

async function createTenants(kysely: Kysely<Schema>, types: ColumnTypes): Promise<void> {
  const { text, integer, keyedTable } = types
  await managed(kysely, types, 'tenants')
    .addColumn('id', text, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('environment', text, (column) => column.notNull())
    .addColumn('settings', text, (column) => column.notNull())
    .addColumn('disabled_at', integer)
    .addPrimaryKeyConstraint('tenants_key', ['id'])
    .addCheckConstraint('tenants_environment', sql`environment in ('test', 'live')`)
    .modifyEnd(keyedTable)
    .execute()
  await kysely.schema
    .createTable('tenant_hosts')
    .addColumn('host', text, (column) => column.notNull())
    .addColumn('tenant_id', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('tenant_hosts_key', ['host'])
    .addForeignKeyConstraint('tenant_hosts_tenant', ['tenant_id'], 'tenants', ['id'])
    .modifyEnd(keyedTable)
    .execute()
  await kysely.schema.createIndex('tenant_hosts_by_tenant').on('tenant_hosts').column('tenant_id').execute()
  await managed(kysely, types, 'apis')
    .addColumn('tenant_id', text, (column) => column.notNull())
    .addColumn('id', text, (column) => column.notNull())
    .addColumn('audience', text, (column) => column.notNull())
    .addColumn('settings', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('apis_key', ['tenant_id', 'id'])
    .addUniqueConstraint('apis_audience', ['tenant_id', 'audience'])
    .addForeignKeyConstraint('apis_tenant', ['tenant_id'], 'tenants', ['id'])
    .modifyEnd(keyedTable)
    .execute()
  await managed(kysely, types, 'plans')
    .addColumn('tenant_id', text, (column) => column.notNull())
    .addColumn('id', text, (column) => column.notNull())
    .addColumn('settings', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('plans_key', ['tenant_id', 'id'])
    .addForeignKeyConstraint('plans_tenant', ['tenant_id'], 'tenants', ['id'])
    .modifyEnd(keyedTable)
    .execute()
}

async function createCustomers(kysely: Kysely<Schema>, types: ColumnTypes): Promise<void> {
  const { text, integer, bytes, keyedTable } = types
  await managed(kysely, types, 'organizations')
    .addColumn('tenant_id', text, (column) => column.notNull())
    .addColumn('id', text, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('plan_id', text)
    .addColumn('settings', text, (column) => column.notNull())
    .addColumn('disabled_at', integer)
    .addPrimaryKeyConstraint('organizations_key', ['tenant_id', 'id'])
    .addForeignKeyConstraint('organizations_tenant', ['tenant_id'], 'tenants', ['id'])
    .addForeignKeyConstraint('organizations_plan', ['tenant_id', 'plan_id'], 'plans', ['tenant_id', 'id'])
    .modifyEnd(keyedTable)
    .execute()
  await kysely.schema
    .createIndex('organizations_by_plan')
    .on('organizations')
    .columns(['tenant_id', 'plan_id'])
    .execute()
  await managed(kysely, types, 'apps')
    .addColumn('tenant_id', text, (column) => column.notNull())
    .addColumn('client_id', text, (column) => column.notNull())
    .addColumn('id', text, (column) => column.notNull())
    .addColumn('organization_id', text, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('settings', text, (column) => column.notNull())
    .addColumn('disabled_at', integer)
    .addColumn('credentials', text, (column) => column.notNull().defaultTo('[]'))
    .addPrimaryKeyConstraint('apps_key', ['tenant_id', 'client_id'])
    .addUniqueConstraint('apps_id', ['tenant_id', 'id'])
    .addForeignKeyConstraint('apps_organization', ['tenant_id', 'organization_id'], 'organizations', [
      'tenant_id',
      'id',
    ])
    .modifyEnd(keyedTable)
    .execute()
  await kysely.schema
    .createIndex('apps_by_organization')
    .on('apps')
    .columns(['tenant_id', 'organization_id'])
    .execute()
  await managed(kysely, types, 'credentials')
    .addColumn('tenant_id', text, (column) => column.notNull())
    .addColumn('client_id', text, (column) => column.notNull())
    .addColumn('id', text, (column) => column.notNull())
    .addColumn('format', text, (column) => column.notNull())
    .addColumn('verifier', bytes, (column) => column.notNull())
    .addColumn('pepper_version', integer)
    .addColumn('expires_at', integer)
    .addColumn('disabled_at', integer)
    .addColumn('exposed_at', integer)
    .addColumn('exposed_by', text)
    .addColumn('last_used_at', integer)
    .addPrimaryKeyConstraint('credentials_key', ['tenant_id', 'client_id', 'id'])
    .addForeignKeyConstraint('credentials_app', ['tenant_id', 'client_id'], 'apps', [
      'tenant_id',
      'client_id',
    ])
    .modifyEnd(keyedTable)
    .execute()
}

async function createKeys(
  kysely: Kysely<Schema>,
  { text, integer, bytes, keyedTable }: ColumnTypes,
): Promise<void> {
  await kysely.schema
    .createTable('signing_keys')
    .addColumn('tenant_id', text, (column) => column.notNull())
    .addColumn('kid', text, (column) => column.notNull())
    .addColumn('algorithm', text, (column) => column.notNull())
    .addColumn('api_id', text)
    .addColumn('state', text, (column) => column.notNull())
    .addColumn('public_jwk', text)
    .addColumn('sealed', bytes, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addColumn('updated_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('signing_keys_key', ['tenant_id', 'kid'])
    .addForeignKeyConstraint('signing_keys_tenant', ['tenant_id'], 'tenants', ['id'])
    .addCheckConstraint('signing_keys_state', sql`state in ('next', 'active', 'retiring', 'retired')`)
    .modifyEnd(keyedTable)
    .execute()
  // Two nodes that start at once must end up with one key: the second insert finds the place taken.
  await sql`create unique index signing_keys_one_in_place
    on signing_keys (tenant_id, algorithm, coalesce(api_id, ''), state)
    where state in ('next', 'active')`.execute(kysely)
  await kysely.schema
    .createTable('peppers')
    .addColumn('version', integer, (column) => column.notNull())
    .addColumn('sealed', bytes, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('peppers_key', ['version'])
    .modifyEnd(keyedTable)
    .execute()
}

/** Neither table points at its subjects: both outlive what they name. */
async function createFeedAndCounters(kysely: Kysely<Schema>, types: ColumnTypes): Promise<void> {
  const { text, integer, counted, keyedTable, countedTable } = types
  await kysely.schema
    .createTable('changes')
    .addColumn('seq', counted, (column) => column.primaryKey())
    .addColumn('tenant_id', text, (column) => column.notNull())
    .addColumn('noun', text, (column) => column.notNull())
    .addColumn('subject_id', text, (column) => column.notNull())
    .addColumn('happened_at', integer, (column) => column.notNull())
    .modifyEnd(countedTable)
    .execute()
  await kysely.schema
    .createTable('dialect_uses')
    .addColumn('tenant_id', text, (column) => column.notNull())
    .addColumn('client_id', text, (column) => column.notNull())
    .addColumn('feature', text, (column) => column.notNull())
    .addColumn('uses', integer, (column) => column.notNull())
    .addColumn('last_used_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('dialect_uses_key', ['tenant_id', 'client_id', 'feature'])
    .modifyEnd(keyedTable)
    .execute()
}

type ManagedTable = 'tenants' | 'apis' | 'plans' | 'organizations' | 'apps' | 'credentials'

const managed = (
  kysely: Kysely<Schema>,
  { text, integer }: ColumnTypes,
  table: ManagedTable,
): CreateTableBuilder<ManagedTable, string> =>
  kysely.schema
    .createTable(table)
    .addColumn('blueprint', text)
    .addColumn('created_at', integer, (column) => column.notNull())
    .addColumn('updated_at', integer, (column) => column.notNull())
