/** What dynamic client registration needs: the tokens that let apps come into being, and what registered apps say of themselves. */

import type { Kysely } from 'kysely'
import type { Schema } from '../schema.ts'
import type { ColumnTypes, Migration } from './migration.ts'

export const registration: Migration = {
  id: 7,
  name: 'registration',
  async run(kysely, types) {
    await createRegistrationTokens(kysely, types)
    await createRegistrations(kysely, types)
  },
}

/** A token goes with the organization whose apps it makes. */
async function createRegistrationTokens(kysely: Kysely<Schema>, types: ColumnTypes): Promise<void> {
  const { text, integer, bytes, keyedTable } = types
  await kysely.schema
    .createTable('registration_tokens')
    .addColumn('tenant_id', text, (column) => column.notNull())
    .addColumn('id', text, (column) => column.notNull())
    .addColumn('organization_id', text, (column) => column.notNull())
    .addColumn('name', text, (column) => column.notNull())
    .addColumn('digest', bytes, (column) => column.notNull())
    .addColumn('terms', text, (column) => column.notNull())
    .addColumn('registrations', integer, (column) => column.notNull())
    .addColumn('registered', integer, (column) => column.notNull())
    .addColumn('expires_at', integer, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('registration_tokens_key', ['tenant_id', 'id'])
    .addUniqueConstraint('registration_tokens_digest', ['digest'])
    .addForeignKeyConstraint(
      'registration_tokens_organization',
      ['tenant_id', 'organization_id'],
      'organizations',
      ['tenant_id', 'id'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .modifyEnd(keyedTable)
    .execute()
  await kysely.schema
    .createIndex('registration_tokens_by_organization')
    .on('registration_tokens')
    .columns(['tenant_id', 'organization_id'])
    .execute()
}

/** With its app it goes, whoever removes the app; the token that made it may be gone before. */
async function createRegistrations(kysely: Kysely<Schema>, types: ColumnTypes): Promise<void> {
  const { text, integer, bytes, keyedTable } = types
  await kysely.schema
    .createTable('registrations')
    .addColumn('tenant_id', text, (column) => column.notNull())
    .addColumn('client_id', text, (column) => column.notNull())
    .addColumn('token_id', text, (column) => column.notNull())
    .addColumn('digest', bytes, (column) => column.notNull())
    .addColumn('terms', text, (column) => column.notNull())
    .addColumn('described', text, (column) => column.notNull())
    .addColumn('created_at', integer, (column) => column.notNull())
    .addPrimaryKeyConstraint('registrations_key', ['tenant_id', 'client_id'])
    .addForeignKeyConstraint(
      'registrations_app',
      ['tenant_id', 'client_id'],
      'apps',
      ['tenant_id', 'client_id'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .modifyEnd(keyedTable)
    .execute()
  // Of a token that was found in public nothing else is known.
  await kysely.schema.createIndex('registrations_by_digest').on('registrations').column('digest').execute()
}
