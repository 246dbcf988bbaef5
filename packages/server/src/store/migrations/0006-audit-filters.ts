/** What an audit record can be asked for by: its actor, its target, its action and its time. */

import type { Migration } from './migration.ts'

/**
 * Ending in the number, so that the newest come without sorting. Somebody may have done very much, and an operation been done
 * very often: those have an index for one tenant and one for the whole server.
 */
const indexes = [
  ['by_actor', ['actor', 'tenant_id', 'number']],
  ['by_actor_anywhere', ['actor', 'number']],
  ['by_action', ['action', 'tenant_id', 'number']],
  ['by_action_anywhere', ['action', 'number']],
  ['by_target', ['target', 'tenant_id', 'number']],
  ['by_time', ['happened_at', 'number']],
] as const

export const auditFilters: Migration = {
  id: 6,
  name: 'audit filters',
  async run(kysely) {
    for (const [name, columns] of indexes)
      await kysely.schema
        .createIndex(`audit_records_${name}`)
        .on('audit_records')
        .columns([...columns])
        .execute()
  },
}
