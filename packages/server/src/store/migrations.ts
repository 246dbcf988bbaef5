/**
 * The one timeline of the schema, for both engines.
 *
 * Each migration runs in a transaction of its own together with the row that records it, so a crash at any
 * statement leaves either all of it or nothing, and the next start goes on from there. The transaction is
 * locked: of two processes that start at once, the second finds the work done.
 */

import type { Kysely } from 'kysely'
import { StoreEmpty, StoreRefused } from './database.ts'
import { foundation } from './migrations/0001-foundation.ts'
import { everyProof } from './migrations/0002-every-proof.ts'
import { everyEnd } from './migrations/0003-every-end.ts'
import { management } from './migrations/0004-management.ts'
import { namedApps } from './migrations/0005-named-apps.ts'
import { auditFilters } from './migrations/0006-audit-filters.ts'
import { registration } from './migrations/0007-registration.ts'
import { keptHeaders } from './migrations/0008-kept-headers.ts'
import { formerDialects } from './migrations/0009-former-dialects.ts'
import { revocationChanges } from './migrations/0010-revocation-changes.ts'
import type { ColumnTypes, Migration } from './migrations/migration.ts'
import type { Schema } from './schema.ts'

export interface MigrationTarget {
  readonly kysely: Kysely<Schema>
  readonly types: ColumnTypes
  readonly clock: () => number
  /** Makes every other process wait until this transaction ends; `onWaiting` hears that one of those is ahead. */
  lock(kysely: Kysely<Schema>, onWaiting: () => void): Promise<void>
  hasTable(kysely: Kysely<Schema>, name: string): Promise<boolean>
}

/** What opening a database may do to its schema. */
export interface SchemaUse {
  /** Refuses one that has yet to be migrated: afterwards the older release could not start any more. */
  readonly mustBeCurrent?: boolean
  /** Makes all of an empty one even so. */
  readonly mayBegin?: boolean
  /** Called before anything is made or changed; what it throws is thrown, and the database is as it was. */
  readonly beforeMigrating?: (found: FoundSchema) => Promise<void>
  /** Told once where another process is migrating: this one goes on when that has ended. Never on SQLite, which asks again. */
  readonly onWaiting?: () => void
  /** Told of what this process has migrated; to make a new one is no migration. */
  readonly onMigrated?: (versions: SchemaVersions) => void
}

export interface FoundSchema {
  /** 0 where there is nothing yet. */
  readonly version: number
  /** Of the tables only what they had in that version can be read. */
  readonly kysely: Kysely<Schema>
}

export interface SchemaVersions {
  readonly from: number
  readonly to: number
}

export const migrations: readonly Migration[] = [
  ...[foundation, everyProof, everyEnd, management, namedApps, auditFilters, registration, keptHeaders],
  ...[formerDialects, revocationChanges],
]

type MigrationsTable = { schema_migrations: { id: number; name: string; applied_at: number } }

export async function migrate(
  target: MigrationTarget,
  timeline: readonly Migration[] = migrations,
  use: SchemaUse = {},
): Promise<void> {
  const { mustBeCurrent = false, mayBegin = false, beforeMigrating, onWaiting, onMigrated } = use
  // Without the lock first: an ordinary start must not wait for a writer.
  const applied = await appliedIds(target, target.kysely)
  if (!nextOf(timeline, applied)) return
  const versions = { from: newestOf(applied), to: newestOf(timeline.map(({ id }) => id)) }
  if (mustBeCurrent && !(mayBegin && versions.from === 0)) throw refusalOf(versions)
  await beforeMigrating?.({ version: versions.from, kysely: target.kysely })
  let steps = 0
  let told = false
  const tellOnce = () => {
    if (!told) onWaiting?.()
    told = true
  }
  while (await applyNext(target, timeline, tellOnce)) steps += 1
  if (steps > 0 && versions.from > 0) onMigrated?.(versions)
}

const refusalOf = ({ from, to }: SchemaVersions): StoreRefused =>
  from === 0
    ? new StoreEmpty('There is nothing in the database yet: start the server first, or name another one.')
    : new StoreRefused(
        `The database is of an older Sallyport (schema ${from}, this release needs ${to}): ` +
          'start the server of this release first, which migrates it, or go on with the older one.',
      )

const newestOf = (ids: readonly number[]): number => Math.max(0, ...ids)

/** Applies one migration and answers whether there may be another. */
function applyNext(
  target: MigrationTarget,
  timeline: readonly Migration[],
  onWaiting: () => void,
): Promise<boolean> {
  return target.kysely.transaction().execute(async (kysely) => {
    await target.lock(kysely, onWaiting)
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
  const newest = newestOf(applied)
  const known = newestOf(timeline.map(({ id }) => id))
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
