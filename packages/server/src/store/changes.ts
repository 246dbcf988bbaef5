/**
 * The change feed: every write of configuration leaves a row in `changes` in its own transaction, and every
 * process follows those rows to drop what it has cached.
 *
 * Appends are serialized, so rows become visible in the order of `seq` and "after the last one I saw" misses
 * none. A follower keeps asking from its last row on, that row included: when the database no longer has it
 * (pruned, or restored from a backup), what was missed cannot be known and everything cached must go.
 */

import { type Kysely, sql } from 'kysely'
import { prepareRead, type Read } from './prepared.ts'
import type { ChangesTable, Schema } from './schema.ts'

export interface NewChange {
  readonly tenantId: string
  readonly noun: ChangesTable['noun']
  /** The tenant's id, the organization's id, the app's client id, or what is revoked: `kind id`. */
  readonly subjectId: string
  /** Of a revocation, as JSON text. */
  readonly detail?: string
}

export interface Change extends NewChange {
  readonly seq: number
  readonly happenedAt: number
}

export interface ChangeFeed {
  readonly lastSeq: number
  /** Epoch seconds until which all followers have been told everything: the start of an outage, if there is one. */
  readonly lastContactAt: number
  /**
   * `listener` gets changes in order, each at least once; `onLost` means that some were missed: drop everything.
   * Neither may throw. The answer ends the following.
   */
  follow(listener: (changes: readonly Change[]) => void, onLost: () => void): () => void
  /** Resolves when everything committed before the call has been delivered. */
  catchUp(): Promise<void>
}

type ChangeRow = [
  seq: number,
  tenantId: string,
  noun: ChangesTable['noun'],
  subjectId: string,
  happenedAt: number,
  detail: string | null,
]

/** Beyond this many at once, dropping every cache is cheaper than naming what to drop. */
const catchUpLimit = 5000

const changesFrom = prepareRead<ChangeRow>((db, param) =>
  db
    .selectFrom('changes')
    .select(['seq', 'tenant_id', 'noun', 'subject_id', 'happened_at', 'detail'])
    .where('seq', '>=', param.number)
    .orderBy('seq')
    .limit(sql.lit(catchUpLimit))
    .compile(),
)

const newestChange = prepareRead<[seq: number | null]>((db) =>
  db
    .selectFrom('changes')
    .select((eb) => eb.fn.max('seq').as('seq'))
    .compile(),
)

interface Follower {
  readonly listener: (changes: readonly Change[]) => void
  readonly onLost: () => void
}

/** The feed of one process; the engine decides when to catch up. */
export class DatabaseChangeFeed implements ChangeFeed {
  readonly #read: Read
  readonly #clock: () => number
  readonly #dated: (ownSeconds: number) => number
  readonly #followers = new Set<Follower>()
  #lastSeq = 0
  #lastContactAt: number
  #running: Promise<void> | undefined
  #queued: Promise<void> | undefined

  /** Begins after the newest change: whoever follows has cached nothing older. */
  static async start(
    read: Read,
    clock: () => number,
    dated = (ownSeconds: number) => ownSeconds,
  ): Promise<DatabaseChangeFeed> {
    const feed = new DatabaseChangeFeed(read, clock, dated)
    feed.#lastSeq = await feed.#newest()
    return feed
  }

  private constructor(read: Read, clock: () => number, dated: (ownSeconds: number) => number) {
    this.#read = read
    this.#clock = clock
    this.#dated = dated
    this.#lastContactAt = clock()
  }

  get lastSeq(): number {
    return this.#lastSeq
  }

  get lastContactAt(): number {
    // Only now: what is compared with it is dated now too, and an answer may have changed how.
    return this.#dated(this.#lastContactAt)
  }

  follow(listener: (changes: readonly Change[]) => void, onLost: () => void): () => void {
    const follower = { listener, onLost }
    this.#followers.add(follower)
    return () => this.#followers.delete(follower)
  }

  /** A run already under way may have read before the caller's commit, so the caller gets the run after it. */
  catchUp(): Promise<void> {
    if (!this.#running) {
      this.#running = this.#catchUpOnce().finally(() => {
        this.#running = undefined
      })
      return this.#running
    }
    this.#queued ??= this.#running
      .catch(() => {})
      .then(() => {
        this.#queued = undefined
        return this.catchUp()
      })
    return this.#queued
  }

  /** For changes known to be committed while the database can no longer be asked: told now, and once more later. */
  deliver(changes: readonly Change[]): void {
    for (const { listener } of this.#followers) listener(changes)
  }

  async #catchUpOnce(): Promise<void> {
    const last = this.#lastSeq
    // Before the question: of what is committed while the answer is on its way nobody has been told.
    const askedAt = this.#clock()
    const rows = await this.#read(changesFrom, [Math.max(last, 1)])
    const firstSeq = rows[0]?.[0]
    const isUnbroken = last === 0 ? firstSeq === undefined || firstSeq === 1 : firstSeq === last
    if (!isUnbroken || rows.length === catchUpLimit) await this.#startOver()
    else this.#deliverNews(rows.slice(last === 0 ? 0 : 1).map(toChange))
    // Last: who relies on a recent contact relies on having been told what it brought.
    this.#lastContactAt = askedAt
  }

  #deliverNews(changes: readonly Change[]): void {
    const newest = changes.at(-1)
    if (!newest) return
    this.#lastSeq = newest.seq
    this.deliver(changes)
  }

  async #startOver(): Promise<void> {
    this.#lastSeq = await this.#newest()
    for (const { onLost } of this.#followers) onLost()
  }

  async #newest(): Promise<number> {
    const [row] = await this.#read(newestChange, [])
    return row?.[0] ?? 0
  }
}

const toChange = ([seq, tenantId, noun, subjectId, happenedAt, detail]: ChangeRow): Change => ({
  seq,
  tenantId,
  noun,
  subjectId,
  happenedAt,
  ...(detail !== null && { detail }),
})

/** Catches up again and again until told to stop; never keeps the process alive. */
export function pollFeed(feed: ChangeFeed, everyMilliseconds: number): () => void {
  let stopped = false
  let timer: NodeJS.Timeout
  const wait = () => {
    if (!stopped) timer = setTimeout(poll, everyMilliseconds).unref()
  }
  // A failure shows in `lastContactAt`, which does not move.
  const poll = () => feed.catchUp().then(wait, wait)
  wait()
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

/** Bound variables have a limit on both engines, so long lists go in pieces. */
const rowsPerInsert = 1000

export async function insertChanges(
  kysely: Kysely<Schema>,
  changes: readonly NewChange[],
  now: number,
): Promise<Change[]> {
  const inserted: Change[] = []
  for (let start = 0; start < changes.length; start += rowsPerInsert) {
    const piece = changes.slice(start, start + rowsPerInsert)
    const rows = await kysely
      .insertInto('changes')
      .values(
        piece.map(({ tenantId, noun, subjectId, detail = null }) => ({
          tenant_id: tenantId,
          noun,
          subject_id: subjectId,
          happened_at: now,
          detail,
        })),
      )
      .returning(['seq', 'tenant_id', 'noun', 'subject_id', 'happened_at', 'detail'])
      .execute()
    inserted.push(
      ...rows.map((row) =>
        toChange([row.seq, row.tenant_id, row.noun, row.subject_id, row.happened_at, row.detail]),
      ),
    )
  }
  return inserted
}
