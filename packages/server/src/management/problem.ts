/** RFC 9457: what the management API refuses with. One line a code; the code is stable, the sentences are for people. */

import { neverCached, type Reply } from '@sallyport/protocol'

interface ProblemTerms {
  readonly status: number
  readonly title: string
}

export const problems = {
  malformed_request: { status: 400, title: 'The request cannot be read.' },
  invalid_body: { status: 400, title: 'The body does not fit what this operation takes.' },
  invalid_query: { status: 400, title: 'A query parameter does not fit.' },
  invalid_cursor: { status: 400, title: 'The cursor is none of this list.' },
  unauthenticated: { status: 401, title: 'A valid access token for the management API is needed.' },
  insufficient_scope: { status: 403, title: 'The access token lacks the scope for this.' },
  forbidden: { status: 403, title: 'No role of yours has the permission for this.' },
  not_found: { status: 404, title: 'There is nothing here that you may see.' },
  method_not_allowed: { status: 405, title: 'This path does not take that method.' },
  conflict: { status: 409, title: 'It collides with what exists.' },
  secret_shown_once: { status: 409, title: 'This was done before, and its secret is shown only once.' },
  precondition_failed: { status: 412, title: 'It has changed since you read it.' },
  body_too_large: { status: 413, title: 'The body is too long.' },
  unsupported_media_type: { status: 415, title: 'The body must be JSON.' },
  idempotency_key_reused: { status: 422, title: 'This Idempotency-Key belongs to another request.' },
  precondition_required: { status: 428, title: 'Say with If-Match which state you are changing.' },
  too_many_requests: { status: 429, title: 'Too many requests.' },
  unavailable: { status: 503, title: 'The database does not answer. Try again shortly.' },
} as const satisfies Record<string, ProblemTerms>

export type ProblemCode = keyof typeof problems

/** Where a body or a query does not fit. */
export interface Misfit {
  /** RFC 6901: into the body; of a query its name. */
  readonly pointer: string
  readonly found: string
  readonly expected: string
}

interface ProblemParts {
  /** For whoever asked: what, and the next step. Never a secret, nor what they may not know. */
  readonly detail?: string | undefined
  readonly misfits?: readonly Misfit[]
  readonly headers?: Readonly<Record<string, string>>
  /** For the log alone. */
  readonly reason?: string | undefined
  /** Whether a caller was held back at a border, which the audit chain tells. */
  readonly isDenial?: boolean
}

export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly detail: string | undefined
  readonly misfits: readonly Misfit[] | undefined
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly isDenial: boolean

  constructor(code: ProblemCode, { detail, misfits, headers, reason, isDenial = false }: ProblemParts = {}) {
    super(reason ?? detail ?? problems[code].title)
    this.code = code
    this.detail = detail
    this.misfits = misfits
    this.headers = headers
    this.isDenial = isDenial
  }

  get status(): number {
    return problems[this.code].status
  }
}

export function refuseWith(code: ProblemCode, parts: ProblemParts = {}): never {
  throw new Problem(code, parts)
}

/** `requestId` is what finds the log line. */
export function problemReply({ code, status, detail, misfits, headers }: Problem, requestId: string): Reply {
  const { title } = problems[code]
  const body = {
    type: `urn:sallyport:problem:${code}`,
    title,
    status,
    code,
    ...(detail !== undefined && { detail }),
    ...(misfits !== undefined && { errors: misfits }),
    request_id: requestId,
  }
  return {
    status,
    headers: { ...neverCached, 'Content-Type': 'application/problem+json', ...headers },
    body: JSON.stringify(body),
  }
}
