/**
 * Says whether a chain is what was written. Each record's hash covers the one before it, so a record that was altered,
 * taken out, put in or moved fits no more. What the chain alone cannot show is a cut at its end, and that it was written
 * anew from some record on: heads that were kept outside show that.
 */

import { type AuditHead, type AuditRecord, hashOf } from '../store/audit-records.ts'

export type FaultKind = 'altered' | 'missing' | 'out_of_order' | 'unreadable' | 'cut_off' | 'not_as_kept'

/** The first record that is wrong. */
export interface Fault {
  readonly number: number
  readonly kind: FaultKind
}

export interface Verdict {
  /** How many records fit. */
  readonly checked: number
  /** The last record that fits. */
  readonly head: AuditHead
  readonly fault: Fault | null
}

export interface VerifyTerms {
  /** What the first record must follow. */
  readonly after: AuditHead
  /** Heads that were kept outside. */
  readonly heads?: readonly AuditHead[]
}

/** Null among the records is what could not be read as one. */
export async function verifyChain(
  records: AsyncIterable<AuditRecord | null>,
  { after, heads = [] }: VerifyTerms,
): Promise<Verdict> {
  let head = after
  let checked = 0
  const kept = new Map(heads.map(({ number, hash }) => [number, Buffer.from(hash)]))
  const verdict = (fault: Fault | null): Verdict => ({ checked, head, fault })
  const isAsKept = ({ number, hash }: AuditHead) => kept.get(number)?.equals(hash) ?? true
  if (!isAsKept(after)) return verdict({ number: after.number, kind: 'not_as_kept' })
  const rest = records[Symbol.asyncIterator]()
  try {
    for (let next = await rest.next(); !next.done; next = await rest.next()) {
      const record = next.value
      const fault = await faultOf(record, head, rest)
      if (fault !== null || record === null) return verdict(fault)
      if (!isAsKept(record)) return verdict({ number: record.number, kind: 'not_as_kept' })
      head = { number: record.number, hash: record.hash }
      checked += 1
    }
  } finally {
    await rest.return?.()
  }
  const isCut = heads.some(({ number }) => number > head.number)
  return verdict(isCut ? { number: head.number + 1, kind: 'cut_off' } : null)
}

async function faultOf(
  record: AuditRecord | null,
  head: AuditHead,
  rest: AsyncIterator<AuditRecord | null>,
): Promise<Fault | null> {
  const number = head.number + 1
  if (record === null) return { number, kind: 'unreadable' }
  if (record.number < number) return { number: record.number, kind: 'out_of_order' }
  if (record.number > number) {
    const { value: follower } = await rest.next()
    const isMoved = (follower?.number ?? Number.POSITIVE_INFINITY) < record.number
    return isMoved ? { number: record.number, kind: 'out_of_order' } : { number, kind: 'missing' }
  }
  return Buffer.from(hashOf(head.hash, record)).equals(record.hash) ? null : { number, kind: 'altered' }
}

const sentences: Readonly<Record<FaultKind, (number: number) => string>> = {
  altered: (number) =>
    `Record ${number} is not what was written there: its hash does not follow from it and the record before.`,
  missing: (number) => `Record ${number} is missing.`,
  out_of_order: (number) => `Record ${number} stands out of order.`,
  unreadable: (number) => `Record ${number} cannot be read: its line is no audit record.`,
  cut_off: (number) =>
    `Record ${number} is missing: the chain was cut off before the head that was kept outside.`,
  not_as_kept: (number) =>
    `Record ${number} has another hash than the head that was kept outside: the chain was written anew.`,
}

export const faultSentence = ({ kind, number }: Fault): string => sentences[kind](number)
