/** What is known of a token that this server has issued, whatever its form. */

import { derivedFromClaim, readDerivedFrom, type TokenFacts } from '@sallyport/protocol'
import { chosenDialects, type Dialect, standardDialect, type TokenDialects } from '../tenants/dialect.ts'

export type Claims = Readonly<Record<string, unknown>>

/**
 * It may be long dead: `standing.ts` tells. Holds nothing of its tenant's compilation, which would stay in memory for as
 * long as the token does.
 */
export interface OwnToken {
  readonly format: 'jwt' | 'opaque'
  /** As they stand in it, in its tenant's dialect. */
  readonly claims: Claims
  readonly facts: TokenFacts
  /** Epoch seconds; a dialect may leave it out, and the token never ends. */
  readonly expiresAt: number | undefined
  /** The API that it is for; null where it names none, and so is for every API of its tenant. */
  readonly apiId: string | null
  readonly scopes: readonly string[]
}

/** What else is known of a token than its claims. */
export interface Provenance {
  readonly format: OwnToken['format']
  /** Where there is no `jti`: what stands for the token, however it is spelled. */
  readonly digest: string
  readonly keyId?: string
  /** The API whose own key has signed it. */
  readonly apiId: string | null
}

/** Of a tenant what it takes to read its tokens. */
export interface IssuingTenant extends TokenDialects {
  readonly apis: ApisBy
  readonly apisByAudience: ApisBy
}
interface ApisBy {
  get(name: string): { readonly id: string } | undefined
}

/**
 * Reads the claims back through the template that wrote them; null for a token of an API that is gone. `exp`, `iat` and
 * `jti` have one name in every dialect, so that no change of dialects makes a dead token live.
 */
export function ownToken(tenant: IssuingTenant, claims: Claims, provenance: Provenance): OwnToken | null {
  const dialect = writtenBy(tenant, claims)
  const claim = (variable: string): unknown =>
    dialect.claimNames
      .get(variable)
      ?.map((name) => claims[name])
      .find((value) => value !== undefined)
  const apiId = apiIdOf(tenant, provenance.apiId, claim('audience'))
  if (apiId === undefined) return null
  const clientId = text(claim('client_id')) ?? text(claim('subject'))
  const subject = text(claim('subject'))
  return {
    format: provenance.format,
    claims,
    facts: {
      issuedAt: seconds(claims.iat),
      keyId: provenance.keyId,
      tokenId: text(claims.jti) ?? provenance.digest,
      clientId,
      credentialId: text(claim('credential_id')),
      organizationId: text(claim('organization.id')),
      userId: subject === clientId ? undefined : subject,
      madeFrom: readDerivedFrom(claims[derivedFromClaim]),
    },
    expiresAt: seconds(claims.exp),
    apiId,
    scopes: scopesOf(claim('scope') ?? claim('scopes')),
  }
}

/**
 * Told by the names of its claims, since it does not say so itself. What was in force when it was issued comes first: the
 * tenant's dialect, then the standard, for apps that have opted out and for whatever speaks for another than its client.
 */
function writtenBy(tenant: IssuingTenant, claims: Claims): Dialect {
  if (claims[derivedFromClaim] !== undefined) return standardDialect
  const names = new Set(Object.keys(claims).filter((name) => name !== 'cnf'))
  const fits = ({ claimMembers, certainMembers }: Dialect) =>
    names.isSubsetOf(claimMembers) && certainMembers.isSubsetOf(names)
  const then = dialectOf(tenant, seconds(claims.iat))
  return [then, standardDialect, ...chosenDialects(tenant)].find(fits) ?? then
}

/** The tenant's dialect at a time; a token that does not tell its own may be of today. */
function dialectOf({ dialect, formerDialects }: TokenDialects, at = Number.POSITIVE_INFINITY): Dialect {
  return formerDialects.findLast(({ until }) => at <= until)?.dialect ?? dialect
}

function apiIdOf(
  tenant: IssuingTenant,
  signedFor: string | null,
  audience: unknown,
): string | null | undefined {
  if (signedFor !== null) return tenant.apis.get(signedFor)?.id
  if (audience === undefined) return null
  const names: readonly unknown[] = Array.isArray(audience) ? audience : [audience]
  return names.map((name) => tenant.apisByAudience.get(String(name))?.id).find((id) => id !== undefined)
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const seconds = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined)

/** RFC 6749 §3.3 joins them by blanks; a dialect may list them. */
function scopesOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return value.split(' ')
  return Array.isArray(value) ? value.filter((scope) => typeof scope === 'string') : []
}
