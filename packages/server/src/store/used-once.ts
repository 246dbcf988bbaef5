/** The rows of what may be used once: inserted by whoever brings it first, deleted when nobody can bring it again. */

import { type Kysely, sql } from 'kysely'
import type { Use } from './database.ts'
import type { Schema } from './schema.ts'

/** 32 bytes that no digest is: until its end some uses of before are known to nobody. */
export const unknownUses = Buffer.from('uses before a restore: not known')

/** Stands among the uses, so that it goes wherever they are carried, and is swept with them. */
export async function markUnknownUses(kysely: Kysely<Schema>, until: number): Promise<void> {
  await sql`insert into used_once (expires_at, digest) values (${until}, ${unknownUses})
    on conflict do nothing`.execute(kysely)
}

const keyOfUse = ({ expiresAt, digest }: Use): string =>
  `${expiresAt} ${Buffer.from(digest).toString('latin1')}`

/** For PostgreSQL: one statement, so one transaction and one round trip. */
export async function insertUses(kysely: Kysely<Schema>, uses: readonly Use[]): Promise<boolean[]> {
  // Whoever inserts a row waits for another who is inserting it: in one order no two nodes wait for each other.
  const rows = uses.toSorted(byKey).map(({ expiresAt, digest }) => sql`(${expiresAt}, ${digest})`)
  const { rows: inserted } = await sql<{ expires_at: number; digest: Uint8Array }>`
    insert into used_once (expires_at, digest) values ${sql.join(rows)}
    on conflict do nothing returning expires_at, digest`.execute(kysely)
  const isNew = new Set(inserted.map((row) => keyOfUse({ expiresAt: row.expires_at, digest: row.digest })))
  // The first use takes the key out: a second one of the same batch finds it taken.
  return uses.map((use) => isNew.delete(keyOfUse(use)))
}

const byKey = (a: Use, b: Use): number => a.expiresAt - b.expiresAt || Buffer.compare(a.digest, b.digest)

/** Answers how many rows are gone, `limit` at the most. */
export async function deleteUses(
  kysely: Kysely<Schema>,
  expiredBefore: number,
  limit: number,
): Promise<bigint> {
  const { numAffectedRows = 0n } = await sql`
    delete from used_once where (expires_at, digest) in
      (select expires_at, digest from used_once where expires_at < ${expiredBefore}
       order by expires_at, digest limit ${sql.lit(limit)})`.execute(kysely)
  return numAffectedRows
}
