/** What a migration is: a step of the timeline, written once for both engines. */

import type { Kysely, RawBuilder } from 'kysely'
import type { Schema } from '../schema.ts'

export interface Migration {
  readonly id: number
  readonly name: string
  run(kysely: Kysely<Schema>, types: ColumnTypes): Promise<void>
}

/** Where the engines differ in the schema: names of types, and what ends a `create table`. */
export interface ColumnTypes {
  readonly text: RawBuilder<unknown>
  readonly integer: RawBuilder<unknown>
  readonly bytes: RawBuilder<unknown>
  /** A whole number that the database counts up by itself. */
  readonly counted: RawBuilder<unknown>
  /** Ends a table whose key is natural. */
  readonly keyedTable: RawBuilder<unknown>
  readonly countedTable: RawBuilder<unknown>
}
