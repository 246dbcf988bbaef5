/** A token of an outside issuer that somebody brings: whether the tenant trusts its issuer with just that. */

import { clockSkewSeconds, isInstant, type Jws, type TokenFacts } from '@sallyport/protocol'
import type { Client } from '../../apps/client.ts'
import { verifyOutside } from '../../federation/verify.ts'
import { outsideTokenSeconds } from '../../tenants/lifetime.ts'
import type { TrustedUse } from '../../tenants/settings.ts'
import type { Tenant } from '../../tenants/tenant.ts'
import type { TrustedIssuer } from '../../tenants/trusted-issuers.ts'
import type { AuthenticatedClient } from '../client-auth/proven-client.ts'
import type { OAuthDeps } from '../deps.ts'
import type { OAuthRequest } from '../request.ts'
import { ownNames } from './actors.ts'

export interface OutsideToken {
  readonly trusted: TrustedIssuer
  readonly claims: Jws['payload']
  /** Who it is about, so that no two issuers can mean the same: RFC 7519 §4.1.2 has `sub` unique at its issuer. */
  readonly subject: string
  readonly facts: TokenFacts
  /** Epoch seconds. */
  readonly expiresAt: number
}

// OpenID Connect Core §2.
const longestIdentifier = 255
// More ways of trusting one issuer are not tried for one token.
const waysTried = 10

/** A text is the reason for the log. Throws `StoreUnavailable` where nobody can know what has been cut off. */
export async function readOutsideToken(
  jws: Jws,
  use: TrustedUse,
  request: OAuthRequest,
  { client }: AuthenticatedClient,
  deps: OAuthDeps,
): Promise<OutsideToken | string> {
  const { tenant } = request
  const { iss } = jws.payload
  // What this server has signed for one purpose is not taken for another (ID-JAG draft §8.3).
  if (typeof iss !== 'string' || ownNames(tenant, deps).includes(iss)) return 'of no outside issuer'
  const ways = tenant.trustedIssuers.get(iss) ?? []
  const open = ways.filter(({ accepts, apps }) => accepts.has(use) && apps.has(client.id)).slice(0, waysTried)
  if (open.length === 0) return `of an issuer that this app may bring no ${use} of`
  const subject = subjectOf(iss, jws.payload)
  if (subject === null) return 'without a usable sub or tenant'
  const reasons: string[] = []
  for (const trusted of open) {
    const missing = await missingFor(trusted, jws, use, request, deps)
    if (missing.length === 0) return accept(trusted, jws, subject, request, deps)
    reasons.push(missing.join(', '))
  }
  return reasons.join('; ')
}

/** No control character: somebody who cannot be named to the management API could not be cut off. */
const isIdentifier = (value: unknown): value is string =>
  typeof value === 'string' &&
  value !== '' &&
  value.length <= longestIdentifier &&
  value.isWellFormed() &&
  !/\p{Cc}/u.test(value)

/**
 * The `iss` of a trusted issuer holds neither `?` nor `#`, so nothing else reads the same. ID-JAG draft §6.3: where an issuer has
 * tenants, a `sub` is unique in its tenant only.
 */
function subjectOf(issuer: string, { sub, tenant }: Jws['payload']): string | null {
  if (!isIdentifier(sub)) return null
  if (tenant === undefined) return `${issuer}#${sub}`
  return isIdentifier(tenant) ? `${issuer}?tenant=${encodeURIComponent(tenant)}#${sub}` : null
}

const issuerOf = (subject: string): string => subject.split(/[?#]/, 1)[0] ?? ''

/**
 * How the tenant may have trusted the words of outside issuers that a token of ours hangs on. A token does not say by which of
 * several ways it was got, so all count that were open to whoever has brought the words. `none` where the trust has ended.
 */
export function trustBehind(
  facts: readonly TokenFacts[],
  clients: readonly Client[],
  { trustedIssuers }: Tenant,
): readonly TrustedIssuer[] | 'none' {
  const all: TrustedIssuer[] = []
  for (const [place, { clientId, userId }] of facts.entries()) {
    // Whatever is ours names a client.
    if (clientId !== undefined || userId === undefined) continue
    const bringerId = facts.slice(0, place).findLast((one) => one.clientId !== undefined)?.clientId
    const bringer = clients.find((client) => client.clientId === bringerId)
    const ways = trustedIssuers.get(issuerOf(userId)) ?? []
    const open = ways.filter(({ apps }) => bringer !== undefined && apps.has(bringer.id))
    if (open.length === 0) return 'none'
    all.push(...open)
  }
  return all
}

async function missingFor(
  { rule, keys, algorithms, subjectTokenAudience, maximumAssertionSeconds }: TrustedIssuer,
  jws: Jws,
  use: TrustedUse,
  { issuer, tenant, now }: OAuthRequest,
  { issuerKeys }: OAuthDeps,
): Promise<readonly string[]> {
  if (!algorithms.has(jws.algorithm)) return ['its algorithm is not allowed']
  const { exp, iat } = jws.payload
  const age = ageMissing(iat, now)
  if (age !== null) return [age]
  if (use !== 'subject_token' && typeof exp === 'number' && exp > now + maximumAssertionSeconds)
    return [`exp is more than ${maximumAssertionSeconds} seconds ahead`]
  const audience = use === 'subject_token' ? (subjectTokenAudience ?? issuer) : issuer
  return verifyOutside(jws, { ...rule, audience }, { issuer, now, owner: tenant.id }, issuerKeys, keys)
}

/** A cut-off hits what was said until then, so it must be known when that was, and not be longer ago than cut-offs are kept. */
function ageMissing(iat: unknown, now: number): string | null {
  if (!isInstant(iat)) return 'iat is missing'
  return now - iat > outsideTokenSeconds + clockSkewSeconds ? 'iat is more than a day ago' : null
}

/** Whoever was cut off is so by what was said of them before, too. */
async function accept(
  trusted: TrustedIssuer,
  { payload: claims }: Jws,
  subject: string,
  { tenant }: OAuthRequest,
  { revocations }: OAuthDeps,
): Promise<OutsideToken | string> {
  const facts = { issuedAt: claims.iat as number, userId: subject }
  const hit = (await revocations.ofTenant(tenant.id)).hits(facts)
  if (hit !== null) return `revoked by ${hit}`
  return { trusted, claims, subject, facts, expiresAt: claims.exp as number }
}
