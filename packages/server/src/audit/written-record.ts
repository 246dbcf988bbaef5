/** An audit record as the API shows it and as exports and sinks write it: from this form its hash can be computed again. */

import type { AuditRecord } from '../store/audit-records.ts'

export const showAuditRecord = (record: AuditRecord) => ({
  ...{ number: record.number, tenant: record.tenantId, happened_at: record.happenedAt, actor: record.actor },
  ...{ action: record.action, target: record.target, outcome: record.outcome, reason: record.reason },
  ...{ request_id: record.requestId, before: parsed(record.before), after: parsed(record.after) },
  hash: Buffer.from(record.hash).toString('hex'),
})

/** Whoever has altered a record may have left anything there, and it should still be shown. */
function parsed(text: string | null): unknown {
  if (text === null) return null
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

export const auditLine = (record: AuditRecord): string => JSON.stringify(showAuditRecord(record))

/** Null for what is no record, or holds more or less than one. */
export function readAuditLine(line: string): AuditRecord | null {
  try {
    const value: unknown = JSON.parse(line)
    const record = toRecord(value)
    return record !== null && auditLine(record) === JSON.stringify(value) ? record : null
  } catch {
    return null
  }
}

function toRecord(value: unknown): AuditRecord | null {
  if (typeof value !== 'object' || value === null) return null
  const written = value as Readonly<Record<string, unknown>>
  const { number, tenant, happened_at: happenedAt, actor, action, target } = written
  const { outcome, reason, request_id: requestId, hash } = written
  if (!isWhole(number) || !isWhole(happenedAt) || !isText(hash) || !/^[0-9a-f]{64}$/.test(hash)) return null
  if (!isText(actor) || !isText(action) || !isText(target)) return null
  if (!isTextOrNull(tenant) || !isTextOrNull(reason) || !isTextOrNull(requestId)) return null
  if (outcome !== 'done' && outcome !== 'refused') return null
  return {
    ...{ number, tenantId: tenant, happenedAt, actor, action, target, outcome, reason, requestId },
    ...{ before: stateText(written.before), after: stateText(written.after) },
    hash: Buffer.from(hash, 'hex'),
  }
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value)
const isText = (value: unknown): value is string => typeof value === 'string'
const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value)
const stateText = (value: unknown): string | null =>
  value === null || value === undefined ? null : JSON.stringify(value)
