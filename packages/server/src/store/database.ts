/** What the rest of the server sees of a database: reads, serialized writes, the change feed, and how it fails. */

import type { Kysely, Transaction } from 'kysely'
import type { Actor, NewAuditRecord } from './audit-records.ts'
import type { ChangeFeed, NewChange } from './changes.ts'
import type { Read } from './prepared.ts'
import type { Schema } from './schema.ts'

export interface Database {
  readonly engine: 'sqlite' | 'postgres'
  /** Ordinary reads, off the hot path. */
  readonly kysely: Kysely<Schema>
  readonly changes: ChangeFeed
  /**
   * A second of this process as requests and the feed are to count it: on PostgreSQL not ahead of the database, or the
   * cut-offs of other nodes would not reach what is issued.
   */
  dated(ownSeconds: number): number
  /** By how much this process's clock was ahead of the database's when that was last heard: 0 on SQLite, negative if behind. */
  secondsAhead(): number
  /** The hot path: on SQLite it never sees an open transaction, not even this process's own. */
  readonly read: Read
  /**
   * One transaction. Await nothing but storage verbs inside: on SQLite every other writer is waiting, and a
   * write inside a write waits for itself. When it resolves, this process's followers have been told. What it changes
   * is in the audit chain: as the transaction says, or else each change for itself, as done by `by`.
   */
  write<Result>(work: (tx: WriteTransaction) => Promise<Result>, by?: Actor): Promise<Result>
  /**
   * Inserts what may be used once, and says of each whether it was new; of equal ones the first is. All or none, in
   * a transaction of its own; on SQLite in a thread of its own. For `single-use.ts`, which makes one call at a time.
   */
  insertUses(uses: readonly Use[]): Promise<readonly boolean[]>
  /**
   * Keeps opaque tokens: all or none, in a transaction of its own, and their partitions with them; on SQLite in the
   * same thread. One call at a time.
   */
  insertOpaqueTokens(tokens: readonly OpaqueTokenRow[]): Promise<void>
  /** One trivial query; throws `StoreUnavailable` when the database does not answer in time. */
  ping(): Promise<void>
  close(): Promise<void>
}

/**
 * `expiresAt` is part of the key, so it must follow from the thing itself and never from the moment it is brought;
 * from then on its bearer must be refused without asking the database, and it must be bounded, or the row stays.
 */
export interface Use {
  /** 32 bytes. */
  readonly digest: Uint8Array
  /** Epoch seconds. */
  readonly expiresAt: number
}

/** A token of which nothing but its digest is kept, and what a JWT would say of it. */
export interface OpaqueTokenRow {
  readonly partition: { readonly id: string; readonly endsAt: number | null }
  /** SHA-256 in base64url. */
  readonly digest: string
  readonly tenantId: string
  readonly apiId: string
  readonly kind: 'access' | 'refresh'
  /** What a refresh token and all that came of it have in common. */
  readonly family: string | null
  /** JSON text. */
  readonly claims: string
}

export interface WriteTransaction {
  readonly kysely: Transaction<Schema>
  /** Epoch seconds, the same for everything one transaction writes. */
  readonly now: number
  /** Says what changed; repeated calls count once, and the rows are written just before the commit. */
  append(change: NewChange): void
  /** Says what was done, or refused, in words of its own; then no record is made of the single changes. */
  audit(record: NewAuditRecord): void
}

/**
 * The database is gone, locked for too long, full or read-only: try again later, nothing was written, unless the message
 * says that it may have been. The message is for the operator: what is the matter, and what mends it.
 */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable'
}

/** The database is there, and has more to do than it can, or two transactions in each other's way. */
export class StoreBusy extends StoreUnavailable {
  override readonly name = 'StoreBusy'
}

/** The database answered that it had not the time for a statement: that asks for too much, or all of it is too slow. */
export class StoreTooSlow extends StoreUnavailable {
  override readonly name = 'StoreTooSlow'
}

/** The database must not be used as it is. The message is for the operator: one sentence, and the next step. */
export class StoreRefused extends Error {
  override readonly name: string = 'StoreRefused'
}

/** Nobody has begun anything in the database yet, and whoever opens it must not. */
export class StoreEmpty extends StoreRefused {
  override readonly name = 'StoreEmpty'
}

/** A row would break a unique name or point at nothing; the transaction has been rolled back. */
export class StoreConflict extends Error {
  override readonly name = 'StoreConflict'
}

/** Several reads that see one moment; inside a transaction they already do. */
export function readSnapshot<Result>(
  from: { readonly kysely: Kysely<Schema> },
  work: (kysely: Kysely<Schema>) => Promise<Result>,
): Promise<Result> {
  if (from.kysely.isTransaction) return work(from.kysely)
  return from.kysely
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(work)
}
