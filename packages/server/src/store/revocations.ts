/**
 * Revocations: "tokens of this app issued until then are dead", and the same of a tenant, an organization, a
 * credential, a user, a signing key, or of a single token. Each is a row and a change whose detail is the whole of it.
 */

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CutOff, RevocationKind } from '@sallyport/protocol'
import { type Kysely, sql } from 'kysely'
import { type Database, readSnapshot, StoreTooSlow, type WriteTransaction } from './database.ts'
import type { Schema } from './schema.ts'
import { sweepInBites, type TakeBite } from './sweep.ts'

export interface Revocation extends CutOff {
  /** Of a single token its own end, where it has one. */
  readonly expiresAt: number | null
}

export type NewRevocation = Pick<Revocation, 'kind' | 'subjectId'> &
  Partial<Pick<Revocation, 'issuedUntil' | 'expiresAt'>>

/**
 * What goes or is switched off may still get tokens until everybody has heard: from requests under way, from processes
 * that ask the feed once a second, from clocks a little ahead. So the cut-off lies that much later.
 */
export const lateSeconds = 5

/** Of what is removed or disabled: see `lateSeconds`. */
export async function cutOff(
  tx: WriteTransaction,
  tenantId: string,
  subject: Pick<Revocation, 'kind' | 'subjectId'>,
): Promise<void> {
  await revoke(tx, tenantId, { ...subject, issuedUntil: tx.now + lateSeconds })
}

/** A later cut-off replaces an earlier one, and never the other way round. */
export async function revoke(
  tx: WriteTransaction,
  tenantId: string,
  { kind, subjectId, issuedUntil = tx.now, expiresAt = null }: NewRevocation,
): Promise<Revocation> {
  const row = await tx.kysely
    .insertInto('revocations')
    .values({
      tenant_id: tenantId,
      kind,
      subject_id: subjectId,
      issued_until: issuedUntil,
      expires_at: expiresAt,
    })
    .onConflict((conflict) =>
      conflict.columns(['tenant_id', 'kind', 'subject_id']).doUpdateSet({
        issued_until: sql`case when excluded.issued_until > revocations.issued_until
          then excluded.issued_until else revocations.issued_until end`,
      }),
    )
    .returning(['issued_until as issuedUntil', 'expires_at as expiresAt'])
    .executeTakeFirstOrThrow()
  const revocation: Revocation = { kind, subjectId, ...row }
  tx.append({
    tenantId,
    noun: 'revocation',
    subjectId: `${kind} ${subjectId}`,
    detail: JSON.stringify(revocation),
  })
  return revocation
}

/** Of a change whose noun is `revocation`. */
export const readRevocation = (detail: string): Revocation => JSON.parse(detail) as Revocation

// What this process needs twenty milliseconds to read, while whoever else asks it waits.
const rowsPerPage = 2_000

type From = { readonly kysely: Kysely<Schema> }
type Take = (page: readonly Revocation[]) => void
/** Lets the work begin when its turn has come. */
type InTurn = (work: () => Promise<void>) => Promise<void>
const atOnce: InTurn = (work) => work()

/**
 * All of them, as of one moment, handed over in pages: a tenant may have more than one statement has the time to read, and
 * more than this process can look at without keeping others waiting. More than a page holds a connection for as long, so
 * that is done in turn.
 */
export async function takeRevocations(
  from: From,
  tenantId: string,
  take: Take,
  inTurn = atOnce,
): Promise<void> {
  const first = await pageOfRevocations(from, tenantId, { limit: rowsPerPage })
  if (first.length < rowsPerPage) take(first)
  else await inTurn(() => takePages(from, tenantId, take))
}

const takePages = (from: From, tenantId: string, take: Take): Promise<void> =>
  readSnapshot(from, async (kysely) => {
    for (let after: RevocationPage['after']; ; ) {
      const page = await pageOfRevocations({ kysely }, tenantId, { after, limit: rowsPerPage })
      take(page)
      const last = page.at(-1)
      if (last === undefined || page.length < rowsPerPage) return
      after = [last.kind, last.subjectId]
      await nextTurn()
    }
  })

export async function listRevocations(from: From, tenantId: string, inTurn = atOnce): Promise<Revocation[]> {
  const all: Revocation[] = []
  await takeRevocations(from, tenantId, (page) => void all.push(...page), inTurn)
  return all
}

export async function findRevocation(
  from: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  { kind, subjectId }: Pick<Revocation, 'kind' | 'subjectId'>,
): Promise<Revocation | null> {
  const row = await from.kysely
    .selectFrom('revocations')
    .select(['kind', 'subject_id as subjectId', 'issued_until as issuedUntil', 'expires_at as expiresAt'])
    .where('tenant_id', '=', tenantId)
    .where('kind', '=', kind)
    .where('subject_id', '=', subjectId)
    .executeTakeFirst()
  return row ?? null
}

export interface RevocationPage {
  /** The kind and subject after which to begin. */
  readonly after?: readonly [kind: RevocationKind, subjectId: string] | undefined
  readonly limit: number
  /** Of it and of what it still has. */
  readonly organizationId?: string | undefined
}

/** In order of kind and subject. */
export async function pageOfRevocations(
  { kysely }: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  { after, limit, organizationId }: RevocationPage,
): Promise<Revocation[]> {
  let query = kysely
    .selectFrom('revocations')
    .select(['kind', 'subject_id as subjectId', 'issued_until as issuedUntil', 'expires_at as expiresAt'])
    .where('tenant_id', '=', tenantId)
    .orderBy('kind')
    .orderBy('subject_id')
    .limit(limit)
  if (organizationId !== undefined) query = query.where(isOfOrganization(tenantId, organizationId))
  if (after !== undefined)
    query = query.where((eb) => eb(eb.refTuple('kind', 'subject_id'), '>', eb.tuple(after[0], after[1])))
  return query.execute()
}

/** No client id holds a blank, which ends it in the subject of a credential. */
const isOfOrganization = (tenantId: string, organizationId: string) => {
  const ofApps = sql`exists (select 1 from apps
    where apps.tenant_id = ${tenantId} and apps.organization_id = ${organizationId} and
      ((kind = 'app' and apps.client_id = subject_id) or
       (kind = 'credential' and substr(subject_id, 1, length(apps.client_id) + 1) = apps.client_id || ' ')))`
  return sql<boolean>`((kind = 'organization' and subject_id = ${organizationId}) or ${ofApps})`
}

export interface RevocationSweep {
  readonly now: number
  /** Cut-offs older than this can hit no token that still lives; null where tokens never end. */
  readonly cutOffsBefore: number | null
}

/** Until `stopping`; answers how many rows are gone. A follower that still knows one refuses only what has expired. */
export async function sweepRevocations(
  db: Database,
  tenantId: string,
  { now, cutOffsBefore }: RevocationSweep,
  stopping?: AbortSignal,
): Promise<number> {
  const ended = sql`expires_at < ${now}`
  const isOver =
    cutOffsBefore === null ? ended : sql`${ended} or (expires_at is null and issued_until < ${cutOffsBefore})`
  const over = (limit: number) => sql`select tenant_id, kind, subject_id from revocations
    where tenant_id = ${tenantId} and (${isOver}) limit ${sql.lit(limit)}`
  // Most tenants have nothing to sweep, and whoever writes would wait for each of them.
  const { rows } = await over(1).execute(db.kysely)
  if (rows.length === 0) return 0
  const takeBite: TakeBite = async (kysely, limit) => {
    const { numAffectedRows = 0n } = await sql`
      delete from revocations where (tenant_id, kind, subject_id) in (${over(limit)})`.execute(kysely)
    return numAffectedRows
  }
  return sweepInBites(db, takeBite, stopping)
}

/** A revocation with the number of the change that told of it. */
export interface RevocationChange {
  readonly seq: number
  readonly revocation: Revocation
}

// Beyond this a snapshot is cheaper.
const changesTold = 5_000

/**
 * Those that were made after the change `seq`, in order; null where some of them may be gone, or are too many, or finding
 * them takes longer than the database allows: whoever only comes again would find as little.
 */
export async function listRevocationsAfter(
  from: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  seq: number,
): Promise<RevocationChange[] | null> {
  try {
    return (await isKept(from, seq)) ? await selectRevocationsAfter(from, tenantId, seq) : null
  } catch (error) {
    if (error instanceof StoreTooSlow) return null
    throw error
  }
}

async function selectRevocationsAfter(
  from: { readonly kysely: Kysely<Schema> },
  tenantId: string,
  seq: number,
): Promise<RevocationChange[] | null> {
  const rows = await from.kysely
    .selectFrom('changes')
    .select(['seq', 'detail'])
    .where('seq', '>', seq)
    .where('tenant_id', '=', tenantId)
    // Written out: for a parameter SQLite does not use the index that holds only these.
    .where('noun', '=', sql.lit('revocation'))
    .orderBy('seq')
    .limit(changesTold + 1)
    .execute()
  if (rows.length > changesTold) return null
  return rows.flatMap(({ seq: at, detail }) =>
    detail === null ? [] : [{ seq: at, revocation: readRevocation(detail) }],
  )
}

/** Whoever stands at a change that is gone, or that never was, cannot be told what came after it. */
async function isKept({ kysely }: { readonly kysely: Kysely<Schema> }, seq: number): Promise<boolean> {
  const { oldest, newest } = await kysely
    .selectFrom('changes')
    .select((eb) => [eb.fn.min('seq').as('oldest'), eb.fn.max('seq').as('newest')])
    .executeTakeFirstOrThrow()
  if (newest === null) return seq === 0
  return seq <= newest && seq >= Math.max(0, oldest - 1)
}
