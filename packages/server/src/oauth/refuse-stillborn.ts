/**
 * A cut-off lies a little later than what caused it, and hits what is issued until then: an app that is enabled again, or
 * whose tokens were all revoked a moment ago, is told to come back instead of being handed a token that is dead already.
 */

import { OAuthError, type Soon, type TokenFacts, whenKnown } from '@sallyport/protocol'
import type { TenantRevocations } from '../revocation/revocations.ts'
import { StoreUnavailable } from '../store/database.ts'
import { type Dialect, isNamedInEach } from '../tenants/dialect.ts'
import type { Tenant } from '../tenants/tenant.ts'
import type { OAuthDeps } from './deps.ts'
import type { Authorization } from './grants/grant.ts'
import type { OAuthRequest } from './request.ts'

/** Null while nobody can know, since the database is gone: what is issued then is short-lived. */
export function knownRevocations({ id }: Tenant, { revocations }: OAuthDeps): Soon<TenantRevocations | null> {
  return revocations.inMemory(id) ?? readRevocations(id, revocations)
}

/** Once for a tenant and a process: what was cut off before it has started counts as well. */
async function readRevocations(
  tenantId: string,
  revocations: OAuthDeps['revocations'],
): Promise<TenantRevocations | null> {
  try {
    return await revocations.ofTenant(tenantId)
  } catch (error) {
    if (error instanceof StoreUnavailable) return null
    throw error
  }
}

/** Throws `temporarily_unavailable` with the time until a token of that dialect would live. */
export const refuseStillborn = (
  request: OAuthRequest,
  authorization: Authorization,
  dialect: Dialect,
  deps: OAuthDeps,
): Soon<void> =>
  whenKnown(knownRevocations(request.tenant, deps), (cutOffs) => {
    if (cutOffs !== null && cutOffs.latest >= request.now)
      refuseIfHit(cutOffs, factsFor(request, authorization, dialect), request.now)
  })

/** As whoever verifies the token will know it: one that names no credential dies with any of its app's. */
function factsFor(
  { now, tenant }: OAuthRequest,
  { client, credential, organization, behalf }: Authorization,
  { claimNames }: Dialect,
): TokenFacts {
  const isCredentialNamed = claimNames.has('credential_id') && isNamedInEach(tenant, 'credential_id')
  return {
    issuedAt: now,
    clientId: client.clientId,
    credentialId: isCredentialNamed ? credential?.id : undefined,
    organizationId: organization.id,
    userId: behalf?.subject,
    madeFrom: behalf?.madeFrom,
  }
}

function refuseIfHit(cutOffs: TenantRevocations, facts: TokenFacts, now: number): void {
  const hit = cutOffs.hits(facts)
  if (hit === null) return
  // Not the latest of all: that of a leaked key lies a month ahead.
  const until = Math.max(now, ...[facts, ...(facts.madeFrom ?? [])].map((one) => cutOffs.until(one)))
  const reason = `a token issued now would be dead: all of the ${hit} are revoked until ${until}`
  throw new OAuthError('temporarily_unavailable', reason, { retryAfterSeconds: until - now + 1 })
}
