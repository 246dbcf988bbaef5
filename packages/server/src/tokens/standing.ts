/** Whether a token that this server has issued still lives: its own time, and everything that it hangs on. */

import type { Client } from '../apps/client.ts'
import type { Revocations, TokenFacts } from '../revocation/revocations.ts'
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
export async function deadBecause(
  token: OwnToken,
  tenant: Tenant,
  now: number,
  deps: StandingDeps,
): Promise<string | null> {
  const problem = outOfTime(token, now)
  if (problem !== null) return problem
  return tenant.isDisabled ? 'tenant is disabled' : deadWithIts(token.facts, tenant, deps)
}

function outOfTime({ facts: { issuedAt }, expiresAt }: OwnToken, now: number): string | null {
  if (expiresAt !== undefined && now >= expiresAt) return 'expired'
  return issuedAt !== undefined && issuedAt > now + futureSeconds ? 'issued in the future' : null
}

async function deadWithIts(facts: TokenFacts, tenant: Tenant, deps: StandingDeps): Promise<string | null> {
  const problem = await deadByItself(facts, tenant, deps)
  if (problem !== null) return problem
  for (const one of facts.madeFrom ?? []) {
    const ofOne = await deadAsPart(one, tenant, deps)
    if (ofOne !== null) return `of what it was made from: ${ofOne}`
  }
  return null
}

/** What an outside issuer has said of somebody names no client of ours. */
const deadAsPart = async (facts: TokenFacts, tenant: Tenant, deps: StandingDeps): Promise<string | null> => {
  if (facts.clientId !== undefined) return deadByItself(facts, tenant, deps)
  const hit = (await deps.revocations.ofTenant(tenant.id)).hits(facts)
  return hit === null ? null : `revoked by ${hit}`
}

async function deadByItself(
  facts: TokenFacts,
  tenant: Tenant,
  { directory, revocations }: StandingDeps,
): Promise<string | null> {
  if (facts.clientId === undefined) return 'names no client'
  const client = await directory.client(tenant.id, facts.clientId)
  if (client === null) return 'app is gone'
  const organization = await directory.organization(tenant.id, client.organizationId)
  const cutOffs = await revocations.ofTenant(tenant.id)
  // A dialect may leave the organization out of its tokens, which die with it all the same.
  const hit = cutOffs.hits({ ...facts, organizationId: facts.organizationId ?? client.organizationId })
  return switchedOff(client, organization, facts.credentialId) ?? (hit === null ? null : `revoked by ${hit}`)
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
