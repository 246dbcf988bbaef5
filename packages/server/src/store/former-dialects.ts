/** What tokens of a tenant looked like before its dialect was changed: those of then live on, and have to be read. */

import type { WriteTransaction } from './database.ts'
import { type JsonObject, readJson, writeJson } from './json.ts'

export interface FormerDialect {
  /** The member `token` of the dialect's settings: the templates of header and claims, or nothing for the standard's. */
  readonly token: JsonObject
  /** Epoch seconds: since then nothing is issued in it, but by nodes that have yet to hear of the change. */
  readonly until: number
}

// Whoever tries out a dialect changes it often; of more than these within the life of a token the oldest are forgotten.
const mostKept = 20

export const readFormerDialects = (column: string | null): readonly FormerDialect[] =>
  column === null ? [] : (readJson(column) as FormerDialect[])

/** The column once the tenant has these settings. The tenant is locked, or its settings could change meanwhile. */
export async function formerDialectsAfter(
  tx: WriteTransaction,
  tenantId: string,
  settings: JsonObject,
): Promise<string | null> {
  const row = await tx.kysely
    .selectFrom('tenants')
    .select(['settings', 'former_dialects'])
    .where('id', '=', tenantId)
    .executeTakeFirst()
  if (row === undefined) return null
  const left = tokenOf(readJson(row.settings))
  if (isSame(left, tokenOf(settings))) return row.former_dialects
  // One that comes a second time is there twice: each of its times tells which tokens are its own.
  const others = readFormerDialects(row.former_dialects)
  return writeJson([{ token: left, until: tx.now }, ...others].slice(0, mostKept))
}

/** Empty where tokens look as the standard says. */
const tokenOf = (settings: unknown): JsonObject =>
  (settings as { readonly dialect?: { readonly token?: JsonObject } }).dialect?.token ?? {}

const isSame = (one: JsonObject, other: JsonObject): boolean => writeJson(one) === writeJson(other)
