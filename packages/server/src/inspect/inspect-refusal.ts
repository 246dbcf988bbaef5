/** What the id of a refusal says: why a guard refused, when, what it answered, and what to do. Needs no database. */

import { parseRefusalId, type RefusalReason, refusals } from '@sallyport/protocol'

/** Members are added, never renamed: scripts read them as JSON. */
export interface RefusalReport {
  readonly kind: 'refusal'
  /** Null for an id that nobody can read. */
  readonly refusal: {
    readonly reason: RefusalReason
    /** Epoch seconds, by the clock of the API. */
    readonly happenedAt: number
    /** What the API answered. */
    readonly status: number
    readonly error: string
    readonly says: string
    readonly why: string
  } | null
  readonly problems: readonly string[]
  readonly nextSteps: readonly string[]
}

const anywhere = /(?<![\w.-])sp_refusal_\w*/i

/** The id in what somebody pasted: alone, as a header line, or in the whole answer of the API. Null where there is none. */
export const findRefusalId = (text: string): string | null => anywhere.exec(text)?.[0] ?? null

/** Anybody can make an id up: that the refusal happened, only the log of the API can tell. */
export function inspectRefusal(id: string): RefusalReport {
  const read = parseRefusalId(id)
  if (read === null) return unreadable
  const { reason, at: happenedAt } = read
  const { status, error, says, why, next } = refusals[reason]
  return {
    kind: 'refusal',
    refusal: { reason, happenedAt, status, error: error ?? reason, says, why },
    problems: [],
    nextSteps: [next],
  }
}

const unreadable: RefusalReport = {
  kind: 'refusal',
  refusal: null,
  problems: [
    'This looks like the id of a refusal, and is none: it was cut, mistyped or made up, or comes from a newer guard than this command knows.',
  ],
  nextSteps: [
    'Copy it again, whole: it stands in the header Refusal-Id of the answer, and in its body as refusal_id.',
  ],
}
