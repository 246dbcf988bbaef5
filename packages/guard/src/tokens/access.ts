/** Who calls, and what the token opens: what the guard hands to the application. */

import { type Confirmation, createScopeSet, type ScopeSet } from '@sallyport/protocol'

/** The claims of a token, or the members of an introspection: whatever the issuer has put there. */
export type Claims = Readonly<Record<string, unknown>>

/** What a token has proven. A client is known by `issuer` and `clientId` together, a user by `issuer` and `subject`. */
export interface Access {
  readonly issuer: string
  readonly clientId: string | null
  readonly subject: string | null
  readonly organizationId: string | null
  readonly scopes: readonly string[]
  /** Epoch seconds; null where the tenant's tokens leave it out. */
  readonly issuedAt: number | null
  readonly expiresAt: number | null
  readonly tokenId: string | null
  /** All that the token, or its introspection, says. */
  readonly claims: Claims
  /** Whether the token's scopes cover this one, wildcards included (`notarization:*` covers `notarization:read`). */
  has(scope: string): boolean
}

/** A token that was good when it was read; whether it still is, is asked each time. */
export interface VerifiedToken {
  readonly access: Access
  /** Null for a bearer token. */
  readonly confirmation: Confirmation | null
  /** What cut-offs are held against; by the standard's claim names until a feed has told the tenant's. */
  readonly keyId: string | undefined
  /** Where there is no `jti`: the digest of what was signed. */
  readonly digest: string | undefined
}

/** Where this tenant's tokens say what; a dialect may have other claims than RFC 9068. */
export interface ClaimNames {
  readonly clientId: string
  readonly subject: string
  readonly scope: string
  readonly organizationId: string
}

export const standardClaimNames: ClaimNames = {
  clientId: 'client_id',
  subject: 'sub',
  scope: 'scope',
  organizationId: 'org_id',
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null)
const instant = (value: unknown): number | null => (typeof value === 'number' ? value : null)

export function accessOf(claims: Claims, issuer: string, names: ClaimNames): Access {
  const scopes = readScopes(claims[names.scope])
  let set: ScopeSet | null = null
  return {
    issuer,
    clientId: text(claims[names.clientId]),
    subject: text(claims[names.subject]),
    organizationId: text(claims[names.organizationId]),
    scopes,
    issuedAt: instant(claims.iat),
    expiresAt: instant(claims.exp),
    tokenId: text(claims.jti),
    claims,
    has(scope: string) {
      if (scopes.includes(scope)) return true
      set ??= createScopeSet(scopes)
      return set.covers(scope)
    },
  }
}

/** Of a token that more than one request sees: what one wrote into it, however deep, the next would believe. */
export const freezeAccess = ({ access }: VerifiedToken): void => freezeWhole(access)

/** Of what was parsed from JSON nothing is inherited, and nothing leads back to where it stands. */
function freezeWhole(value: object): void {
  Object.freeze(value)
  for (const name in value) {
    const one = value[name as keyof typeof value] as unknown
    if (typeof one === 'object' && one !== null) freezeWhole(one)
  }
}

/** RFC 9068 §2.2.3 has one text, document 003 a list. */
export const areScopes = (value: unknown): value is string | readonly string[] | undefined =>
  value === undefined ||
  typeof value === 'string' ||
  (Array.isArray(value) && value.every((one) => typeof one === 'string'))

function readScopes(value: unknown): readonly string[] {
  if (!areScopes(value) || value === undefined || value === '') return []
  return typeof value === 'string' ? value.split(' ') : value
}
