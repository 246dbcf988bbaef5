// A record as a sink gets it.
import { type AuditRecord, chainStart, hashOf } from '../../src/store/audit-records.ts'

export function auditRecord(number: number, change: Partial<AuditRecord> = {}): AuditRecord {
  const facts = {
    ...{ number, tenantId: 'acme', happenedAt: 1_800_000_000, actor: 'app x', action: 'createApp' },
    ...{ target: `app ${number}`, outcome: 'done' as const, reason: null, requestId: null },
    ...{ before: null, after: '{"name":"Grüße\\nan 😀"}' },
    ...change,
  }
  return { ...facts, hash: hashOf(chainStart, facts) }
}

export const notAborted = new AbortController().signal
