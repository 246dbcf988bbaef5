/** Of an answer that was given once also its headers, so that a repetition is told where a thing is and in which state. */

import type { Migration } from './migration.ts'

export const keptHeaders: Migration = {
  id: 8,
  name: 'kept headers',
  async run(kysely, { text }) {
    // Null in rows of before, and in those of an older process that still runs.
    await kysely.schema.alterTable('idempotency_keys').addColumn('headers', text).execute()
  },
}
