/** RFC 5424: an audit record as a syslog message, in ASCII whatever the record holds. */

import type { AuditRecord } from '../store/audit-records.ts'
import { showAuditRecord } from './written-record.ts'

/** RFC 5424 §6.2.1: facility 13 is "log audit"; a refusal is a warning, all else a notice. */
const facility = 13
const severities = { done: 5, refused: 4 } as const

/** RFC 5424 §6.2.4: printable ASCII without blanks, or `-`. */
const hostnameOf = (host: string): string => host.replace(/[^\x21-\x7e]/g, '').slice(0, 255) || '-'

export function syslogMessage(
  record: AuditRecord,
  host: string,
  limitBytes = Number.POSITIVE_INFINITY,
): string {
  const { outcome, happenedAt } = record
  const time = new Date(happenedAt * 1000).toISOString()
  const header = `<${facility * 8 + severities[outcome]}>1 ${time} ${hostnameOf(host)} sallyport - audit -`
  const whole = `${header} ${asciiJson(showAuditRecord(record))}`
  if (whole.length <= limitBytes) return whole
  return `${header} ${asciiJson({ ...showAuditRecord({ ...record, before: null, after: null }), is_cut: true })}`
}

/** RFC 5424 §6.4 wants a byte order mark before UTF-8, over which JSON parsers stumble; ASCII needs none. */
const asciiJson = (value: object): string =>
  JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
