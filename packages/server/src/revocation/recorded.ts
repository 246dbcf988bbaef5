/** A cut-off together with the audit record that says who made it. */

import type { NewAuditRecord } from '../store/audit-records.ts'
import type { WriteTransaction } from '../store/database.ts'
import { findRevocation, type NewRevocation, type Revocation, revoke } from '../store/revocations.ts'

export type Revoking = Pick<NewAuditRecord, 'actor' | 'action' | 'requestId'>

/** Answers the cut-off that holds from now on: an earlier one may lie further ahead. */
export async function revokeAndRecord(
  tx: WriteTransaction,
  tenantId: string,
  revocation: NewRevocation,
  by: Revoking,
): Promise<Revocation> {
  const before = await findRevocation(tx, tenantId, revocation)
  const after = await revoke(tx, tenantId, revocation)
  tx.audit({
    ...{ ...by, tenantId, target: `${after.kind} ${after.subjectId}` },
    before: before && JSON.stringify(shown(before)),
    after: JSON.stringify(shown(after)),
  })
  return after
}

/** As the management API shows it. */
const shown = ({ kind, subjectId, issuedUntil, expiresAt }: Revocation) => ({
  ...{ kind, subject: subjectId, issued_until: issuedUntil, expires_at: expiresAt },
})
