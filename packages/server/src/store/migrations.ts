/**
 * The one timeline of the schema, for both engines.
 *
 * Each migration runs in a transaction of its own together with the row that records it, so a crash at any
 * statement leaves either all of it or nothing, and the next start goes on from there. The transaction is
 * locked: of two processes that start at once, the second finds the work done.
 */

import type { Kysely } from 'kysely'
import { StoreRefused } from './database.ts'
import { foundation } from './migrations/0001-foundation.ts'
import { everyProof } from './migrations/0002-every-proof.ts'
import { everyEnd } from './migrations/0003-every-end.ts'
import { management } from './migrations/0004-management.ts'
import { namedApps } from './migrations/0005-named-apps.ts'
import { auditFilters } from './migrations/0006-audit-filters.ts'
import { registration } from './migrations/0007-registration.ts'
import { keptHeaders } from './migrations/0008-kept-headers.ts'
import type { ColumnTypes, Migration } from './migrations/migration.ts'
import type { Schema } from './schema.ts'

export interface MigrationTarget {
  readonly kysely: Kysely<Schema>
  readonly types: ColumnTypes
  readonly clock: () => number
  /** Makes every other process wait until this transaction ends. */
  lock(kysely: Kysely<Schema>): Promise<void>
  hasTable(kysely: Kysely<Schema>, name: string): Promise<boolean>
}

export const migrations: readonly Migration[] = [
  ...[foundation, everyProof, everyEnd, management, namedApps, auditFilters, registration, keptHeaders],
]

type MigrationsTable = { schema_migrations: { id: number; name: string; applied_at: number } }

export async function migrate(
  target: MigrationTarget,
  timeline: readonly Migration[] = migrations,
): Promise<void> {
  // Without the lock first: an ordinary start must not wait for a writer.
  if (!nextOf(timeline, await appliedIds(target, target.kysely))) return
  while (await applyNext(target, timeline)) {}
}

/** Applies one migration and answers whether there may be another. */
function applyNext(target: MigrationTarget, timeline: readonly Migration[]): Promise<boolean> {
  return target.kysely.transaction().execute(async (kysely) => {
    await target.lock(kysely)
    const next = nextOf(timeline, await appliedIds(target, kysely))
    if (!next) return false
    await createMigrationsTable(target, kysely)
    await next.run(kysely, target.types)
    await withMigrations(kysely)
      .insertInto('schema_migrations')
      .values({ id: next.id, name: next.name, applied_at: target.clock() })
      .execute()
    return true
  })
}

function nextOf(timeline: readonly Migration[], applied: readonly number[]): Migration | undefined {
  const newest = Math.max(0, ...applied)
  const known = timeline.at(-1)?.id ?? 0
  if (newest > known) {
    throw new StoreRefused(
      `The database was written by a newer Sallyport (schema ${newest}, this release knows ${known}): ` +
        'start the newer release, or restore a backup made before the upgrade.',
    )
  }
  return timeline.find(({ id }) => id > newest)
}

async function appliedIds(target: MigrationTarget, kysely: Kysely<Schema>): Promise<number[]> {
  if (!(await target.hasTable(kysely, 'schema_migrations'))) return []
  const rows = await withMigrations(kysely).selectFrom('schema_migrations').select('id').execute()
  return rows.map(({ id }) => id)
}

async function createMigrationsTable({ types }: MigrationTarget, kysely: Kysely<Schema>): Promise<void> {
  await kysely.schema
    .createTable('schema_migrations')
    .ifNotExists()
    .addColumn('id', types.integer, (column) => column.primaryKey())
    .addColumn('name', types.text, (column) => column.notNull())
    .addColumn('applied_at', types.integer, (column) => column.notNull())
    .modifyEnd(types.countedTable)
    .execute()
}

const withMigrations = (kysely: Kysely<Schema>) => kysely.$extendTables<MigrationsTable>()
