/** Revocations as an issuer tells them over HTTP, read before anything in them is believed. */

import { type CutOff, credentialSubject, type RevocationKind } from '@sallyport/protocol'
import { IssuerError } from '../issuer/ask.ts'

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

/** A tenant's own cut-off has its id, which a guard need not know: all that come are of the tenant that is followed. */
export const followedTenant = 'followed'

/** A cut-off as it is to be obeyed here, and whether it says what the issuer has said. */
export interface Told extends CutOff {
  readonly isUnderstood: boolean
}

/**
 * A newer issuer may cut off something that this guard has no word for. Which tokens it means cannot be told, only until
 * when they were issued: so it cuts off all of that time, and clients get new ones. Throws `IssuerError` for what has no time.
 */
export function readTold(value: unknown): Told {
  const { kind, id, client_id: clientId, issued_until: issuedUntil } = (value ?? {}) as Members
  if (typeof issuedUntil !== 'number')
    throw new IssuerError('the revocation feed tells a revocation that cannot be read', null)
  const subjectId = isKnown(kind) ? subjectOf(kind, id, clientId) : null
  return isKnown(kind) && subjectId !== null
    ? { kind, subjectId, issuedUntil, isUnderstood: true }
    : { kind: 'tenant', subjectId: followedTenant, issuedUntil, isUnderstood: false }
}

const isKnown = (kind: unknown): kind is RevocationKind => kinds.some((known) => known === kind)

/** Null for a subject that is not named as its kind is. */
function subjectOf(kind: RevocationKind, id: unknown, clientId: unknown): string | null {
  if (typeof id !== 'string') return null
  if (kind === 'tenant') return followedTenant
  if (kind !== 'credential') return id
  return typeof clientId === 'string' ? credentialSubject(clientId, id) : null
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
