/** What must follow when a database was put back to an earlier state, on both engines, in one transaction. */

import { headText, parseHead } from '../audit/head-text.ts'
import { revokeAndRecord } from '../revocation/recorded.ts'
import { type Actor, type AuditHead, listAuditRecords, readHead } from '../store/audit-records.ts'
import type { Database, WriteTransaction } from '../store/database.ts'
import { leapAhead } from '../store/new-life.ts'
import { lateSeconds } from '../store/revocations.ts'
import { listTenantIds } from '../store/tenants.ts'
import { cutOffAction, findUnusedRestore, restoreAction } from '../store/unused-restore.ts'
import { markUnknownUses } from '../store/used-once.ts'

export interface AfterRestore {
  /** The end of the chain as the backup had it; what was done after it is forgotten. */
  readonly head: AuditHead
  /** Epoch seconds of its last record; null where there is none. */
  readonly until: number | null
  readonly tenants: number
  /** Tokens issued until then are dead, in epoch seconds; null where they were kept. */
  readonly issuedUntil: number | null
  /** Until then what was used before could be used once more, in epoch seconds; null where all uses are known. */
  readonly usesUnknownUntil: number | null
}

export interface AfterRestoreOptions {
  /** Nothing was revoked since the backup, says who asks. */
  readonly keepTokens: boolean
  /** What was used once before the restore is known to be used. */
  readonly knowsUses: boolean
  readonly by: Actor
}

/** Five minutes that an assertion may live, and the clocks' difference. */
const longestProofSeconds = 360

/**
 * What was revoked after the backup lives again, and nobody can tell what that was: so every token of the time before
 * dies. Then the feed goes on where no follower has been.
 */
export async function finishRestore(
  db: Database,
  { keepTokens, knowsUses, by }: AfterRestoreOptions,
): Promise<AfterRestore> {
  const tenantIds = await listTenantIds(db)
  return db.write(async (tx) => {
    const head = await headOfBackup(tx)
    await leapAhead(tx, db.engine)
    const issuedUntil = keepTokens ? null : tx.now + lateSeconds
    const usesUnknownUntil = knowsUses ? null : tx.now + longestProofSeconds
    if (usesUnknownUntil !== null) await markUnknownUses(tx.kysely, usesUnknownUntil)
    const after = { audit_head: headText(head), tokens_issued_until: issuedUntil }
    tx.audit({
      ...{ tenantId: null, actor: by, action: restoreAction, target: 'database' },
      after: JSON.stringify(after),
    })
    if (issuedUntil !== null)
      for (const tenantId of tenantIds) {
        const cutOff = { kind: 'tenant', subjectId: tenantId, issuedUntil } as const
        await revokeAndRecord(tx, tenantId, cutOff, { actor: by, action: cutOffAction })
      }
    const until = await timeOf(tx, head)
    return { head, until, tenants: tenantIds.length, issuedUntil, usesUnknownUntil }
  })
}

/** Whoever does it again may never have read the answer to the first time, whose records are nothing that was done. */
async function headOfBackup(tx: WriteTransaction): Promise<AuditHead> {
  const { audit_head: said } = JSON.parse((await findUnusedRestore(tx))?.after ?? '{}')
  return parseHead(said ?? '') ?? readHead(tx)
}

async function timeOf(tx: WriteTransaction, { number }: AuditHead): Promise<number | null> {
  if (number === 0) return null
  const [record] = await listAuditRecords(tx, { after: number - 1, limit: 1 })
  return record?.happenedAt ?? null
}
