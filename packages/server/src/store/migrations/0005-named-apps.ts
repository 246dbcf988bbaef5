/** Which apps are named by others, so that nobody takes a name over with what was said of its holder. */

import type { Kysely } from 'kysely'
import { readJson } from '../json.ts'
import { namesIn } from '../named-apps.ts'
import type { Schema } from '../schema.ts'
import type { ColumnTypes, Migration } from './migration.ts'

export const namedApps: Migration = {
  id: 5,
  name: 'named apps',
  async run(kysely, types) {
    await createNamedApps(kysely, types)
    await gatherNames(kysely)
  },
}

/** What it names may be gone: that is what it is for. With the app that names it goes too. */
async function createNamedApps(kysely: Kysely<Schema>, { text, keyedTable }: ColumnTypes): Promise<void> {
  await kysely.schema
    .createTable('named_apps')
    .addColumn('tenant_id', text, (column) => column.notNull())
    .addColumn('app_id', text, (column) => column.notNull())
    .addColumn('client_id', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('named_apps_key', ['tenant_id', 'app_id', 'client_id'])
    .addForeignKeyConstraint(
      'named_apps_by',
      ['tenant_id', 'client_id'],
      'apps',
      ['tenant_id', 'client_id'],
      (constraint) => constraint.onDelete('cascade'),
    )
    .modifyEnd(keyedTable)
    .execute()
  await kysely.schema
    .createIndex('named_apps_by_client')
    .on('named_apps')
    .columns(['tenant_id', 'client_id'])
    .execute()
}

async function gatherNames(kysely: Kysely<Schema>): Promise<void> {
  const apps = await kysely
    .selectFrom('apps')
    .select(['tenant_id', 'client_id', 'settings'])
    .where('settings', 'like', '%"token_exchange"%')
    .execute()
  for (const { tenant_id, client_id, settings } of apps)
    for (const app_id of namesIn(readJson(settings)))
      await kysely.insertInto('named_apps').values({ tenant_id, app_id, client_id }).execute()
}
