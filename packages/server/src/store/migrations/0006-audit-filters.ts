/** What an audit record can be asked for by: its actor, its target, its action and its time. */

import type { Migration } from './migration.ts'

export const auditFilters: Migration = {
  id: 6,
  name: 'audit filters',
  async run(kysely) {
    // The tenant last of what is compared: the whole server is searched by the same indexes.
    for (const column of ['actor', 'target', 'action'])
      await kysely.schema
        .createIndex(`audit_records_by_${column}`)
        .on('audit_records')
        .columns([column, 'tenant_id', 'number'])
        .execute()
    await kysely.schema
      .createIndex('audit_records_by_time')
      .on('audit_records')
      .columns(['happened_at', 'number'])
      .execute()
  },
}
