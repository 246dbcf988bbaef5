/** Revocations as an issuer tells them over HTTP, read before anything in them is believed. */

import { type CutOff, credentialSubject, type RevocationKind } from '@sallyport/protocol'

type ClaimedKind = 'organization' | 'app' | 'credential' | 'user' | 'token'

/** In which claims of the tenant's tokens the subject of each kind stands. */
export type SubjectClaims = Readonly<Record<ClaimedKind, readonly string[]>>

/** RFC 9068's, and this product's own. */
export const standardSubjectClaims: SubjectClaims = {
  organization: ['org_id'],
  app: ['client_id', 'sub'],
  credential: ['cred'],
  user: ['sub'],
  token: ['jti'],
}

const kinds = [
  'tenant',
  'organization',
  'app',
  'credential',
  'user',
  'token',
  'key',
] as const satisfies readonly RevocationKind[]

type Members = Readonly<Record<string, unknown>>

/** Null for what is none. */
export function readTold(value: unknown): CutOff | null {
  const { kind, id, client_id: clientId, issued_until: issuedUntil } = (value ?? {}) as Members
  if (typeof kind !== 'string' || !kinds.includes(kind as RevocationKind)) return null
  if (typeof id !== 'string' || typeof issuedUntil !== 'number') return null
  if (kind !== 'credential') return { kind: kind as RevocationKind, subjectId: id, issuedUntil }
  return typeof clientId === 'string'
    ? { kind, subjectId: credentialSubject(clientId, id), issuedUntil }
    : null
}

/** Null where everything may have changed. */
export function readChangedApp(value: unknown): string | null {
  const { client_id: clientId } = (value ?? {}) as Members
  return typeof clientId === 'string' ? clientId : null
}

export function readSubjectClaims(value: unknown): SubjectClaims {
  const told = (value ?? {}) as Members
  const names = Object.keys(standardSubjectClaims) as ClaimedKind[]
  return Object.fromEntries(
    names.map((name) => [name, isTexts(told[name]) ? told[name] : standardSubjectClaims[name]]),
  ) as SubjectClaims
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string')
