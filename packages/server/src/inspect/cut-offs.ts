/** What has ended a token before its time: which cut-offs hit it, and from the audit chain who made them, when and how. */

import type { RevocationKind, TokenFacts } from '@sallyport/protocol'
import { revocationsOf } from '../revocation/revocations.ts'
import { type AuditRecord, listAuditRecords } from '../store/audit-records.ts'
import type { Database } from '../store/database.ts'
import { lateSeconds, type Revocation } from '../store/revocations.ts'

export interface CutOffReport {
  readonly kind: RevocationKind
  /** An id of that kind; of a credential the client id and its id; of a token its `jti` or its digest. */
  readonly subject: string
  /** Null where the chain has no record of it. */
  readonly madeBy: {
    readonly record: number
    /** Epoch seconds. */
    readonly happenedAt: number
    readonly actor: string
    readonly operation: string
    readonly target: string
    readonly requestId: string | null
  } | null
}

export type Subject = Pick<Revocation, 'kind' | 'subjectId'>

/** One for itself each, because a later one hides none that came before it. */
export const cutOffsThatHit = (
  tenantId: string,
  revocations: readonly Revocation[],
  facts: TokenFacts,
): readonly Revocation[] => {
  const hits = (those: readonly Revocation[]) => revocationsOf(tenantId, those).hits(facts) !== null
  return hits(revocations) ? revocations.filter((one) => hits([one])) : []
}

/** `subjects` may hold what has been swept since: the chain keeps it. */
export async function tellCutOffs(
  db: Database,
  tenantId: string,
  subjects: readonly Subject[],
  issuedAt: number | undefined,
): Promise<readonly CutOffReport[]> {
  const told = await Promise.all(subjects.map((subject) => tell(db, tenantId, subject, issuedAt)))
  const instant = ({ madeBy }: CutOffReport) => madeBy?.happenedAt ?? Number.POSITIVE_INFINITY
  return told.toSorted((one, other) => (instant(one) < instant(other) ? -1 : 1))
}

async function tell(
  db: Database,
  tenantId: string,
  subject: Subject,
  issuedAt: number | undefined,
): Promise<CutOffReport> {
  const { kind, subjectId } = subject
  const record = await findRecord(db, tenantId, subject, issuedAt)
  return { kind, subject: subjectId, madeBy: record && madeBy(record) }
}

const madeBy = ({ number, happenedAt, actor, action, target, requestId }: AuditRecord) => ({
  ...{ record: number, happenedAt, actor, operation: action, target, requestId },
})

// What is written about one thing in the life of one token.
const recordsRead = 1_000

/** The first that was late enough to end the token. */
async function findRecord(
  db: Database,
  tenantId: string,
  subject: Subject,
  issuedAt: number | undefined,
): Promise<AuditRecord | null> {
  const since = issuedAt === undefined ? undefined : issuedAt - lateSeconds
  const query = { tenantId, since, limit: recordsRead }
  const own = await listAuditRecords(db, { ...query, targets: targetsOf(tenantId, subject) })
  const ends = (record: AuditRecord) =>
    isCutOff(record, subject) && (issuedAt === undefined || endOf(record) >= issuedAt)
  const found = own.find(ends)
  if (found !== undefined || subject.kind !== 'app') return found ?? null
  // An app that went with its organization is named in that record.
  const removals = await listAuditRecords(db, { ...query, actions: ['removeOrganization'] })
  return removals.filter((record) => namesApp(record, subject.subjectId)).find(ends) ?? null
}

function targetsOf(tenantId: string, { kind, subjectId }: Subject): readonly string[] {
  if (kind === 'key') return [`key ${subjectId}`, `signing key ${subjectId}`, `signing keys ${tenantId}`]
  return [`${kind} ${subjectId}`]
}

type State = Readonly<Record<string, unknown>>

const stateIn = (text: string | null): State | null => (text === null ? null : (JSON.parse(text) as State))

/** Whatever operation it was: it went, was switched off, or was cut off. */
function isCutOff({ outcome, action, before, after }: AuditRecord, { kind, subjectId }: Subject): boolean {
  if (outcome !== 'done') return false
  const state = stateIn(after)
  if (kind === 'key') return action.startsWith('revoke') || retires(state, subjectId)
  if (/^(?:revoke|remove)/.test(action)) return true
  if (state === null) return before !== null
  return state.disabled === true || state.quarantined === true
}

/** All keys that an operation has touched stand in its one record. */
const retires = (state: State | null, kid: string): boolean =>
  Array.isArray(state?.keys) && state.keys.some((key: State) => key.kid === kid && key.state === 'retired')

function namesApp({ before }: AuditRecord, clientId: string): boolean {
  const apps = stateIn(before)?.apps
  return Array.isArray(apps) && apps.includes(clientId)
}

/** Until when issued tokens it has ended: as it says, or a little later than it was made. */
function endOf({ action, happenedAt, after }: AuditRecord): number {
  const state = action.startsWith('revoke') ? stateIn(after) : null
  const said = state?.issued_until ?? state?.issuedUntil
  return typeof said === 'number' ? said : happenedAt + lateSeconds
}
