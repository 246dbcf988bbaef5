/** RFC 8693 §4.1 and §4.4: who acts for a subject, in which order, and who may. */

import type { Tenant } from '../../tenants/tenant.ts'
import type { OAuthDeps } from '../deps.ts'
import type { Actor } from './grant.ts'

/** A chain longer than this is a loop, or nobody's idea. */
const longestChain = 5

/** What this server calls itself for a tenant: by each of its hosts, and in tokens. */
export const ownNames = (tenant: Tenant, { issuersOf }: OAuthDeps): readonly string[] =>
  tenant.tokenIssuer === null ? issuersOf(tenant) : [...issuersOf(tenant), tenant.tokenIssuer]

/** Whose words an `act` is, where they are not this server's. */
export interface OutsideWords {
  readonly issuer: string
  /** An outside issuer knows nobody of ours. */
  readonly ours: readonly string[]
}

/** The `act` of a token as it is handed on: identities and nothing else. */
export function readActors(
  claim: unknown,
  outside: OutsideWords | null,
  left = longestChain,
): Actor | null | 'unreadable' {
  if (claim === undefined) return null
  if (left === 0 || typeof claim !== 'object' || claim === null) return 'unreadable'
  const { sub, iss = outside?.issuer, act } = claim as Readonly<Record<string, unknown>>
  const rest = readActors(act, outside, left - 1)
  if (!isName(sub) || !(iss === undefined || isName(iss)) || rest === 'unreadable') return 'unreadable'
  if (iss !== undefined && outside?.ours.includes(iss)) return 'unreadable'
  return { sub, ...(iss !== undefined && { iss }), ...(rest !== null && { act: rest }) }
}

const isName = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** The newest actor stands outermost. */
export const chainedTo = (actor: string, before: Actor | null): Actor | 'too long' => {
  const chain = { sub: actor, ...(before !== null && { act: before }) }
  return readActors(chain, null) === 'unreadable' ? 'too long' : chain
}

/**
 * Whether `may_act` means this actor. It names somebody by what they are; a member that we cannot check is nobody's proof.
 * In a token of ours a bare name is of ours; an outside issuer that names no `iss` means one of its own (RFC 7519 §4.1.2).
 */
export function mayActAs(
  claim: unknown,
  actor: string,
  ours: readonly string[],
  saidBy: 'us' | 'an outside issuer',
): boolean {
  if (claim === undefined) return true
  if (typeof claim !== 'object' || claim === null || Array.isArray(claim)) return false
  if (saidBy === 'an outside issuer' && !Object.hasOwn(claim, 'iss')) return false
  const expected: Readonly<Record<string, readonly unknown[]>> = {
    sub: [actor],
    client_id: [actor],
    iss: ours,
  }
  const members = Object.entries(claim)
  const names = members.map(([name]) => name)
  return (
    (names.includes('sub') || names.includes('client_id')) &&
    members.every(([name, value]) => Object.hasOwn(expected, name) && expected[name]?.includes(value))
  )
}
