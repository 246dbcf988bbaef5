/** The management API on the wire: from a request of HTTP to one of its own, and what the log says of it. */

import type { Reply } from '@sallyport/protocol'
import type { AnswerManagement, ManagementOutcome } from '../management/answer.ts'
import { Problem, problemReply } from '../management/problem.ts'
import { managementPath } from '../management/request.ts'
import { BodyTooLarge, type HttpRequest } from './exchange.ts'
import type { Log } from './log.ts'

// Settings of a tenant with a dialect and certificate authorities, and room beside.
const bodyLimitBytes = 256 * 1024

export const isManagementPath = (path: string): boolean =>
  path === managementPath || path.startsWith(`${managementPath}/`)

const one = (value: string | string[] | undefined): string | undefined =>
  Array.isArray(value) ? value.join(', ') : value

export async function answerOverHttp(request: HttpRequest, answer: AnswerManagement): Promise<Reply> {
  const { headers } = request
  if (request.method === 'OPTIONS') return { status: 204, headers: { 'Cache-Control': 'no-store' }, body: '' }
  const body = await readBody(request)
  if (body === null) return problemReply(new Problem('body_too_large'), request.id)
  return answer({
    id: request.id,
    method: request.method,
    path: request.path.slice(managementPath.length),
    query: request.query,
    authorization: request.authorization,
    dpop: request.dpop,
    clientCertificate: () => request.clientCertificate(),
    contentType: request.repeatsContentType ? undefined : headers['content-type'],
    contentEncoding: headers['content-encoding'],
    ifMatch: headers['if-match'],
    ifNoneMatch: headers['if-none-match'],
    idempotencyKey: one(headers['idempotency-key']),
    body,
  })
}

async function readBody(request: HttpRequest): Promise<Buffer | null> {
  try {
    return await request.readBody(bodyLimitBytes)
  } catch (error) {
    if (error instanceof BodyTooLarge) return null
    throw error
  }
}

/** A line for whatever was written or refused; what was read is for the metrics. */
export function logManagement(
  log: Log,
  { request, operation, caller, tenantId, status, problem }: ManagementOutcome,
): void {
  const facts = {
    request_id: request.id,
    status,
    ...(operation !== undefined && { operation }),
    ...(caller !== undefined && { actor: caller }),
    ...(tenantId !== undefined && { tenant: tenantId }),
  }
  if (problem !== null)
    log.warn('management refused', { ...facts, code: problem.code, reason: problem.message })
  else if (!['GET', 'HEAD'].includes(request.method)) log.info('management done', facts)
}
