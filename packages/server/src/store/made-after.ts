/** Lists in the order in which their things were made: where a page begins. */

import { sql } from 'kysely'

/** The one after which to begin: several may be made in one second, so its id belongs to its place. */
export interface MadePlace {
  readonly createdAt: number
  readonly id: string
}

/** Of a list in order of `created_at` and `id`. */
export const isMadeAfter = ({ createdAt, id }: MadePlace) =>
  sql<boolean>`(created_at, id) > (${createdAt}, ${id})`
