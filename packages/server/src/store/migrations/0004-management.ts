/** What managing needs: the audit chain, people and what they may do, requests for keys, and answers given once. */

import { type Kysely, sql } from 'kysely'
import type { Schema } from '../schema.ts'
import type { ColumnTypes, Migration } from './migration.ts'

export const management: Migration = {
  id: 4,
  name: 'management',
  async run(kysely, types) {
    await createAuditRecords(kysely, types)
    await createAuditSinks(kysely, types)
    await createUsers(kysely, types)
    await createRoles(kysely, types)
    await createMemberships(kysely, types)
    await createInvitations(kysely, types)
    await createKeyRequests(kysely, types)
    await createIdempotencyKeys(kysely, types)
  },
}

/** No foreign key anywhere: a record outlives what it tells of. */
async function createAuditRecords(kysely: Kysely<Schema>, types: ColumnTypes): Promise<void> {
  const { text, integer, bytes, keyedTable } = types
  await kysely.schema
    .createTable('audit_records')
    .addColumn('number', integer, (column) => column.notNull())
    .addColumn('tenant_id', text)
    .addColumn('happened_at', integer, (column) => column.notNull())
    .addColumn('actor', text, (column) => column.notNull())
    .addColumn('action', text, (column) => column.notNull())
    .addColumn('target', text, (column) => column.notNull())
    .addColumn('outcome', text, (column) => column.notNull())
    .addColumn('reason', text)
    .addColumn('request_id', text)
    .addColumn('state_before', text)
    .addColumn('state_after', text)
    .addColumn('hash', bytes, (column) => column.notNull())
    .addPrimaryKeyConstraint('audit_records_key', ['number'])
    .modifyEnd(keyedTable)
    .execute()
  await sql`create index audit_records_by_tenant on audit_records (tenant_id, number)`.execute(kysely)
}

async function createAuditSinks(kysely: Kysely<Schema>, types: ColumnTypes): Promise<void> {
  const { text, integer, bytes, keyedTable } = types
  await kysely.schema
    .createTable('audit_sinks')
    .addColumn('sink', text, (column) => column.notNull())
    .addColumn('number', integer, (column) => column.notNull())
    .addColumn('hash', bytes, (column) => column.notNull())
    .addColumn('leader', text, (column) => column.notNull())
    .addColumn('leads_until', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('audit_sinks_key', ['sink'])
    .modifyEnd(keyedTable)
    .execute()
}

async function createUsers(kysely: Kysely<Schema>, { text, integer, keyedTable }: ColumnTypes) {
  await kysely.schema
    .createTable('users')
    .addColumn('tenant_id', text, (column) => column.notNull().references('tenants.id'))
    .addColumn('id', text, (column) => column.notNull())
    .addColumn('email', text, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('disabled_at', integer)
    .addColumn('created_at', integer, (column) => column.notNull())
    .addColumn('updated_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('users_key', ['tenant_id', 'id'])
    .modifyEnd(keyedTable)
    .execute()
  await sql`create unique index users_by_email on users (tenant_id, email)`.execute(kysely)
}

async function createRoles(kysely: Kysely<Schema>, { text, integer, keyedTable }: ColumnTypes) {
  await kysely.schema
    .createTable('roles')
    .addColumn('tenant_id', text, (column) => column.notNull().references('tenants.id'))
    .addColumn('id', text, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('permissions', text, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addColumn('updated_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('roles_key', ['tenant_id', 'id'])
    .modifyEnd(keyedTable)
    .execute()
}

/** An empty organization id stands for the tenant as a whole, because no part of a key may be null. */
async function createMemberships(kysely: Kysely<Schema>, { text, integer, keyedTable }: ColumnTypes) {
  await kysely.schema
    .createTable('memberships')
    .addColumn('tenant_id', text, (column) => column.notNull().references('tenants.id'))
    .addColumn('organization_id', text, (column) => column.notNull())
    .addColumn('member', text, (column) => column.notNull())
    .addColumn('roles', text, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addColumn('updated_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('memberships_key', ['tenant_id', 'organization_id', 'member'])
    .modifyEnd(keyedTable)
    .execute()
  await sql`create index memberships_by_member on memberships (member)`.execute(kysely)
}

async function createInvitations(kysely: Kysely<Schema>, { text, integer, bytes, keyedTable }: ColumnTypes) {
  await kysely.schema
    .createTable('invitations')
    .addColumn('tenant_id', text, (column) => column.notNull().references('tenants.id'))
    .addColumn('id', text, (column) => column.notNull())
    .addColumn('organization_id', text, (column) => column.notNull())
    .addColumn('email', text, (column) => column.notNull())
    .addColumn('roles', text, (column) => column.notNull())
    .addColumn('digest', bytes, (column) => column.notNull())
    .addColumn('expires_at', integer, (column) => column.notNull())
    .addColumn('accepted_at', integer)
    .addColumn('created_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('invitations_key', ['tenant_id', 'id'])
    .modifyEnd(keyedTable)
    .execute()
  await sql`create unique index invitations_by_digest on invitations (digest)`.execute(kysely)
}

async function createKeyRequests(kysely: Kysely<Schema>, { text, integer, keyedTable }: ColumnTypes) {
  await kysely.schema
    .createTable('key_requests')
    .addColumn('tenant_id', text, (column) => column.notNull().references('tenants.id'))
    .addColumn('id', text, (column) => column.notNull())
    .addColumn('organization_id', text, (column) => column.notNull())
    .addColumn('state', text, (column) => column.notNull())
    .addColumn('app_name', text, (column) => column.notNull())
    .addColumn('purpose', text, (column) => column.notNull())
    .addColumn('asked_by', text, (column) => column.notNull())
    .addColumn('decided_by', text)
    .addColumn('decided_at', integer)
    .addColumn('answer', text)
    .addColumn('client_id', text)
    .addColumn('created_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('key_requests_key', ['tenant_id', 'id'])
    .modifyEnd(keyedTable)
    .execute()
}

/** An answer that was given once, so that whoever asks again with the same key gets it and changes nothing. */
async function createIdempotencyKeys(kysely: Kysely<Schema>, types: ColumnTypes): Promise<void> {
  const { text, integer, bytes, keyedTable } = types
  await kysely.schema
    .createTable('idempotency_keys')
    .addColumn('digest', bytes, (column) => column.notNull())
    .addColumn('request_digest', bytes, (column) => column.notNull())
    .addColumn('status', integer, (column) => column.notNull())
    .addColumn('body', text)
    .addColumn('expires_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('idempotency_keys_key', ['digest'])
    .modifyEnd(keyedTable)
    .execute()
  await sql`create index idempotency_keys_by_end on idempotency_keys (expires_at)`.execute(kysely)
}
