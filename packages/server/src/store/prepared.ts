/** Reads of the hot path, written once with Kysely and compiled once for each engine when the module loads. */

import { createHash } from 'node:crypto'
import {
  type CompiledQuery,
  type Dialect,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import type { Schema } from './schema.ts'

/** `Row` is a tuple in the order of the select: arrays cost less than objects, and a verb maps them anyway. */
export interface PreparedQuery<Row> {
  /** PostgreSQL's name for the prepared statement: the same text has the same name on every connection. */
  readonly name: string
  readonly sqlite: string
  readonly postgres: string
  readonly parameterCount: number
  /** Never set: it only carries the type. */
  readonly row?: Row
}

/** Runs a prepared read: at once on SQLite, where the file is in this process, a promise on PostgreSQL. */
export type Read = <Row>(
  query: PreparedQuery<Row>,
  values: readonly (string | number)[],
) => Row[] | Promise<Row[]>

/** Stand where a value will be; values are then given in the order in which they stand in the query. */
const param: Param = { text: '\u0000parameter', number: Number.NaN }
interface Param {
  readonly text: string
  readonly number: number
}

const onSqlite = new Kysely<Schema>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  } satisfies Dialect,
})

const onPostgres = new Kysely<Schema>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  } satisfies Dialect,
})

export function prepareRead<Row>(
  build: (db: Kysely<Schema>, param: Param) => CompiledQuery,
): PreparedQuery<Row> {
  const sqlite = build(onSqlite, param)
  const postgres = build(onPostgres, param)
  for (const value of sqlite.parameters) {
    if (value !== param.text && !Number.isNaN(value))
      throw new Error(`a fixed value in a prepared read: ${value}`)
  }
  const name = createHash('sha256').update(postgres.sql).digest('hex').slice(0, 24)
  return { name, sqlite: sqlite.sql, postgres: postgres.sql, parameterCount: sqlite.parameters.length }
}
