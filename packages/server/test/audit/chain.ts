// A chain of many records, and ways to spoil one of them in the database.
import { type Kysely, sql } from 'kysely'
import { readChain } from '../../src/audit/read-chain.ts'
import { type AuditRecord, readHead } from '../../src/store/audit-records.ts'
import type { Database } from '../../src/store/database.ts'
import type { Schema } from '../../src/store/schema.ts'

export async function writeRecords(db: Database, count: number): Promise<void> {
  await db.write(async (tx) => {
    for (let one = 1; one <= count; one += 1)
      tx.audit({
        tenantId: one % 3 === 0 ? null : 'acme',
        ...{ actor: `app ${one % 7}`, action: 'updateApp', target: `app ${one}` },
        ...(one % 5 === 0 && { outcome: 'refused', reason: `forbidden ${one}` }),
        ...(one % 2 === 0 && { requestId: `request-${one}` }),
        before: JSON.stringify({ name: `Before ${one}` }),
        after: one % 4 === 0 ? null : JSON.stringify({ name: `Grüße ${one}`, limits: [one, 0.1, 1e21] }),
      })
  })
}

export async function recordsOf(db: Database): Promise<AuditRecord[]> {
  return Array.fromAsync(readChain(db))
}

export interface Spoiling {
  readonly kysely: Kysely<Schema>
  /** From 2 to the last but one. */
  readonly number: number
  readonly last: number
}

export interface Spoil {
  readonly name: string
  work(spoiling: Spoiling): Promise<unknown>
  /** Found only with the head kept outside. */
  readonly isCut?: true
}

type Column = Exclude<keyof Schema['audit_records'], 'number'>

const edits: Readonly<Record<Column, unknown>> = {
  tenant_id: 'umbrella',
  happened_at: 1,
  actor: 'app of nobody',
  action: 'readApp',
  target: 'app other',
  outcome: 'allowed',
  reason: 'none',
  request_id: 'another',
  state_before: '{}',
  state_after: '{"name":"x"}',
  hash: Buffer.alloc(32, 7),
}

const edit = ([column, value]: [string, unknown]): Spoil => ({
  name: `edit ${column}`,
  work: ({ kysely, number }) =>
    kysely
      .updateTable('audit_records')
      .set({ [column]: value })
      .where('number', '=', number)
      .execute(),
})

const drop = ({ kysely, number }: Spoiling) =>
  kysely.deleteFrom('audit_records').where('number', '=', number).execute()

/** In two steps, since no two may have one number in between. */
async function renumber({ kysely, number }: Spoiling, by: 1 | -1): Promise<void> {
  await sql`update audit_records set number = -(number + ${sql.lit(by)}) where number > ${number}`.execute(
    kysely,
  )
  await sql`update audit_records set number = -number where number < 0`.execute(kysely)
}

export const spoils: readonly Spoil[] = [
  ...Object.entries(edits).map(edit),
  { name: 'delete', work: drop },
  {
    name: 'delete and renumber',
    async work(spoiling) {
      await drop(spoiling)
      await renumber(spoiling, -1)
    },
  },
  {
    name: 'insert',
    async work(spoiling) {
      const { kysely, number } = spoiling
      await renumber(spoiling, 1)
      const { number: _, ...row } = await kysely
        .selectFrom('audit_records')
        .selectAll()
        .where('number', '=', number)
        .executeTakeFirstOrThrow()
      await kysely
        .insertInto('audit_records')
        .values({ ...row, number: number + 1 })
        .execute()
    },
  },
  {
    name: 'swap',
    async work({ kysely, number }) {
      const swap = (from: number, to: number) =>
        kysely.updateTable('audit_records').set({ number: to }).where('number', '=', from).execute()
      await swap(number, -1)
      await swap(number + 1, number)
      await swap(-1, number + 1)
    },
  },
  {
    name: 'truncate',
    isCut: true,
    work: ({ kysely, number }) => kysely.deleteFrom('audit_records').where('number', '>', number).execute(),
  },
  {
    name: 'truncate the start',
    work: ({ kysely, number }) => kysely.deleteFrom('audit_records').where('number', '<', number).execute(),
  },
  {
    name: 'append a stranger',
    async work({ kysely, last }) {
      const row = await kysely
        .selectFrom('audit_records')
        .selectAll()
        .where('number', '=', last)
        .executeTakeFirstOrThrow()
      await kysely
        .insertInto('audit_records')
        .values({ ...row, number: last + 1 })
        .execute()
    },
  },
]

/** What `look` finds in a store that was spoilt, and is whole again afterwards. */
export async function spoilt<Result>(
  db: Database,
  spoil: Spoil,
  number: number,
  look: (from: { readonly kysely: Kysely<Schema> }) => Promise<Result>,
): Promise<Result> {
  const { number: last } = await readHead(db)
  const found: Result[] = []
  const undo = new Error('undo')
  await db
    .write(async (tx) => {
      await spoil.work({ kysely: tx.kysely, number, last })
      found.push(await look(tx))
      throw undo
    })
    .catch((error: unknown) => {
      if (error !== undo) throw error
    })
  return found[0] as Result
}
