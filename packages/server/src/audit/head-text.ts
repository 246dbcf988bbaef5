/** The head of the chain as people keep it outside: `NUMBER:HASH`. */

import type { AuditHead } from '../store/audit-records.ts'

export const headText = ({ number, hash }: AuditHead): string =>
  `${number}:${Buffer.from(hash).toString('hex')}`

/** Null for what is no head. */
export function parseHead(text: string): AuditHead | null {
  const [, number, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text.trim()) ?? []
  return hash === undefined ? null : { number: Number(number), hash: Buffer.from(hash, 'hex') }
}
