/** Everything that is sealed by the master key, wherever it stands, so that another key can seal it. */

import { type Kysely, sql } from 'kysely'
import { copyToApp } from './client-credentials.ts'
import type { WriteTransaction } from './database.ts'
import type { Schema } from './schema.ts'

/** A column of sealed bytes, with the columns that name its row. What is sealed from now on belongs in this list. */
const places = {
  signing_keys: { column: 'sealed', key: ['tenant_id', 'kid'] },
  peppers: { column: 'sealed', key: ['version'] },
  credentials: { column: 'sealed_secret', key: ['tenant_id', 'client_id', 'id'] },
} as const

export type SealedPlace = keyof typeof places
export const sealedPlaces = Object.keys(places) as SealedPlace[]

/** The names of its row, in the order of the place's key. */
export type SealedKey = readonly (string | number)[]

export interface SealedValue {
  readonly key: SealedKey
  readonly sealed: Uint8Array
}

const otherwise = (place: SealedPlace, prefix: Uint8Array) => {
  const column = sql.ref(places[place].column)
  return sql`${column} is not null and substr(${column}, 1, ${sql.lit(prefix.length)}) <> ${prefix}`
}

const keyColumns = (place: SealedPlace) => sql.join(places[place].key.map((name) => sql.ref(name)))

/** Values that do not begin with `prefix`, in the order of their keys, beginning after one of them. */
export async function listSealedOtherwise(
  kysely: Kysely<Schema>,
  place: SealedPlace,
  prefix: Uint8Array,
  { after, limit }: { readonly after: SealedKey | null; readonly limit: number },
): Promise<SealedValue[]> {
  const columns = keyColumns(place)
  const isLater = after === null ? sql`` : sql` and (${columns}) > (${sql.join([...after])})`
  const { rows } = await sql<Record<string, string | number> & { value: Uint8Array }>`
    select ${columns}, ${sql.ref(places[place].column)} as value from ${sql.table(place)}
    where ${otherwise(place, prefix)}${isLater} order by ${columns} limit ${sql.lit(limit)}`.execute(kysely)
  return rows.map((row) => ({
    key: places[place].key.map((name) => row[name] as string | number),
    sealed: row.value,
  }))
}

export async function countSealedOtherwise(
  { kysely }: { readonly kysely: Kysely<Schema> },
  prefix: Uint8Array,
): Promise<number> {
  let count = 0
  for (const place of sealedPlaces) {
    const { rows } = await sql<{ count: number | string }>`
      select count(*) as count from ${sql.table(place)} where ${otherwise(place, prefix)}`.execute(kysely)
    count += Number(rows[0]?.count)
  }
  return count
}

/**
 * Puts another sealing of the same secret there, unless somebody has changed the secret since it was read. No follower
 * is told: what it has in memory it can still open.
 */
export async function replaceSealed(
  tx: WriteTransaction,
  place: SealedPlace,
  { key, sealed }: SealedValue,
  replacement: Uint8Array,
): Promise<boolean> {
  const column = sql.ref(places[place].column)
  const { numAffectedRows = 0n } = await sql`
    update ${sql.table(place)} set ${column} = ${replacement}
    where (${keyColumns(place)}) = (${sql.join([...key])}) and ${column} = ${sealed}`.execute(tx.kysely)
  if (numAffectedRows === 0n) return false
  const [tenantId, clientId] = key
  if (place === 'credentials') await copyToApp(tx, String(tenantId), String(clientId))
  return true
}
