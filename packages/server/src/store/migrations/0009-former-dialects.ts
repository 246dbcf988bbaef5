/** What tokens of a tenant looked like before its dialect was changed, so that those which live on can be read. */

import type { Migration } from './migration.ts'

export const formerDialects: Migration = {
  id: 9,
  name: 'former dialects',
  async run(kysely, { text }) {
    // Null in rows of before: what has been left until then is not known any more.
    await kysely.schema.alterTable('tenants').addColumn('former_dialects', text).execute()
  },
}
