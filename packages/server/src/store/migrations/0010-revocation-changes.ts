/** The changes that told of a tenant's revocations, found without reading those of all others. */

import { sql } from 'kysely'
import type { Migration } from './migration.ts'

export const revocationChanges: Migration = {
  id: 10,
  name: 'revocation changes',
  async run(kysely) {
    await sql`create index changes_of_revocations on changes (tenant_id, seq) where noun = 'revocation'`.execute(
      kysely,
    )
  },
}
