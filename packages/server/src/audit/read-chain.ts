/** The chain in its order, in pages: it may be larger than memory. */

import { type AuditQuery, type AuditRecord, listAuditRecords } from '../store/audit-records.ts'

const pageRecords = 1000

export async function* readChain(
  from: Parameters<typeof listAuditRecords>[0],
  { tenantId, after = 0 }: Pick<AuditQuery, 'tenantId' | 'after'> = {},
): AsyncGenerator<AuditRecord> {
  for (let last = after; ; ) {
    const page = await listAuditRecords(from, { tenantId, after: last, limit: pageRecords })
    yield* page
    if (page.length < pageRecords) return
    last = page.at(-1)?.number ?? last
  }
}
