/** Whether a token that this server has issued still lives: its own time, and everything that it hangs on. */

import { type Soon, type TokenFacts, whenKnown } from '@sallyport/protocol'
import type { Client } from '../apps/client.ts'
import type { Revocations, TenantRevocations } from '../revocation/revocations.ts'
import type { Directory } from '../tenants/directory.ts'
import type { Organization } from '../tenants/organization.ts'
import type { Tenant } from '../tenants/tenant.ts'
import type { OwnToken } from './own-token.ts'

export interface StandingDeps {
  readonly directory: Pick<Directory, 'client' | 'organization'>
  readonly revocations: Revocations
}

// Clocks of two nodes may differ by this much.
const futureSeconds = 60

/**
 * Null for a token that lives, otherwise why not, for the operator's eyes. An expired credential is no reason: whoever
 * rotates a secret must not lose what was got with the old one. Throws `StoreUnavailable` where nobody can know.
 */
export function deadBecause(
  token: OwnToken,
  tenant: Tenant,
  now: number,
  deps: StandingDeps,
): Soon<string | null> {
  const problem = outOfTime(token, now)
  if (problem !== null) return problem
  if (tenant.isDisabled) return 'tenant is disabled'
  const { madeFrom = [] } = token.facts
  return whenKnown(deadByItself(token.facts, tenant, deps), (dead) =>
    dead === null && madeFrom.length > 0 ? deadWithIts(madeFrom, tenant, deps) : dead,
  )
}

function outOfTime({ facts: { issuedAt }, expiresAt }: OwnToken, now: number): string | null {
  if (expiresAt !== undefined && now >= expiresAt) return 'expired'
  return issuedAt !== undefined && issuedAt > now + futureSeconds ? 'issued in the future' : null
}

async function deadWithIts(
  parts: readonly TokenFacts[],
  tenant: Tenant,
  deps: StandingDeps,
): Promise<string | null> {
  for (const part of parts) {
    const dead = await deadAsPart(part, tenant, deps)
    if (dead !== null) return `of what it was made from: ${dead}`
  }
  return null
}

/** What an outside issuer has said of somebody names no client of ours. */
const deadAsPart = (facts: TokenFacts, tenant: Tenant, deps: StandingDeps): Soon<string | null> =>
  facts.clientId === undefined
    ? whenKnown(deps.revocations.ofTenant(tenant.id), (cutOffs) => revokedBy(cutOffs, facts))
    : deadByItself(facts, tenant, deps)

function deadByItself(
  facts: TokenFacts,
  { id: tenantId }: Tenant,
  { directory, revocations }: StandingDeps,
): Soon<string | null> {
  const { clientId, credentialId, organizationId } = facts
  if (clientId === undefined) return 'names no client'
  return whenKnown(directory.client(tenantId, clientId), (client) => {
    if (client === null) return 'app is gone'
    // A dialect may leave the organization out of its tokens, or name another there: they die with their app's all the same.
    const ofApp = { ...facts, organizationId: client.organizationId }
    return whenKnown(
      directory.organization(tenantId, client.organizationId),
      (organization) =>
        switchedOff(client, organization, credentialId) ??
        whenKnown(revocations.ofTenant(tenantId), (cutOffs) =>
          organizationId === undefined || organizationId === client.organizationId
            ? revokedBy(cutOffs, ofApp)
            : (revokedBy(cutOffs, facts) ?? revokedBy(cutOffs, ofApp)),
        ),
    )
  })
}

function revokedBy(cutOffs: TenantRevocations, facts: TokenFacts): string | null {
  const hit = cutOffs.hits(facts)
  return hit === null ? null : `revoked by ${hit}`
}

function switchedOff(
  { isDisabled, credentials }: Client,
  organization: Organization | null,
  credentialId: string | undefined,
): string | null {
  if (isDisabled) return 'app is disabled'
  if (organization === null || organization.isDisabled) return 'organization is disabled'
  if (credentialId === undefined) return null
  const credential = credentials.find(({ id }) => id === credentialId)
  if (credential === undefined) return 'credential is gone'
  return credential.disabledAt === null ? null : 'credential is disabled'
}
