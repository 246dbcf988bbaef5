/** What of the change feed no follower will ask for any more. */

import type { Database } from './database.ts'
import { sweepInBites, type TakeBite } from './sweep.ts'

/**
 * Forgets changes older than `beforeSeconds`, but never the newest: it tells followers where they stand. Begins with the
 * oldest and leaves no gap, since followers take it that nothing is missing after the first that is kept. Until `stopping`.
 */
export function pruneChanges(db: Database, beforeSeconds: number, stopping?: AbortSignal): Promise<number> {
  // Not from the beginning each time: PostgreSQL would walk over all that is dead but not yet vacuumed.
  let last = 0
  const takeBite: TakeBite = async (kysely, limit) => {
    const { newest } = await kysely
      .selectFrom('changes')
      .select((eb) => eb.fn.max('seq').as('newest'))
      .executeTakeFirstOrThrow()
    const oldest = kysely
      .selectFrom('changes')
      .select(['seq', 'happened_at'])
      .where('seq', '>', last)
      .where('seq', '<', newest ?? 0)
      .orderBy('seq')
      .limit(limit)
    // Clocks of nodes differ: what lies before an old one goes with it.
    const { end } = await kysely
      .selectFrom(oldest.as('oldest'))
      .select((eb) => eb.fn.max('seq').as('end'))
      .where('happened_at', '<', beforeSeconds)
      .executeTakeFirstOrThrow()
    if (end === null) return 0n
    const ended = kysely.deleteFrom('changes').where('seq', '>', last).where('seq', '<=', end)
    last = end
    return (await ended.executeTakeFirst()).numDeletedRows
  }
  return sweepInBites(db, takeBite, stopping)
}
