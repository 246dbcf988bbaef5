/** Who calls: an app of the system tenant, proven by an ordinary access token for the management API. */

import { listMembershipsOf, type MembershipPlace } from '../store/memberships.ts'
import type { Directory } from '../tenants/directory.ts'
import { type FindDeps, findOwnToken } from '../tokens/find.ts'
import type { OwnToken } from '../tokens/own-token.ts'
import { deadBecause, type StandingDeps } from '../tokens/standing.ts'
import { challenge, systemTenantId } from './authorize.ts'
import type { Caller, Membership } from './caller.ts'
import type { From } from './operation.ts'
import { isPermission, type Permission, permissions } from './permissions.ts'
import { refuseWith } from './problem.ts'
import { permissionsOfRoles } from './roles.ts'

/** The API of the system tenant that the tokens are for. */
export const managementApiId = 'management'

export interface CallerDeps extends FindDeps, StandingDeps {
  readonly directory: Directory
}

/** RFC 6750 §2.1: in the header, once, and nowhere else. */
const bearer = /^bearer ([\w~+/.-]+=*)$/i

/** The token's holder. Throws `unauthenticated`, with a reason for the log alone. */
export async function authenticate(
  authorization: readonly string[],
  now: number,
  deps: CallerDeps,
): Promise<{ readonly clientId: string; readonly scopes: ReadonlySet<Permission> }> {
  const [header, second] = authorization
  if (header === undefined) refuseUnknown('no token')
  const text = second === undefined ? bearer.exec(header)?.[1] : undefined
  if (text === undefined) refuseUnknown('no one bearer token', 'invalid_token')
  const tenant = await deps.directory.tenant(systemTenantId)
  if (tenant === null) refuseUnknown('there is no system tenant', 'invalid_token')
  const token = await findOwnToken(tenant, text, deps)
  const reason = token === null ? 'no token of the system tenant' : whyUnfit(token)
  if (token === null || reason !== null) refuseUnknown(reason ?? '', 'invalid_token')
  const dead = await deadBecause(token, tenant, now, deps)
  if (dead !== null) refuseUnknown(dead, 'invalid_token')
  return { clientId: token.facts.clientId ?? '', scopes: new Set(token.scopes.filter(isPermission)) }
}

/** RFC 9068 §4: an access token for this API. What is bound to a key is not taken until its proof can be. */
function whyUnfit({ apiId, claims, facts }: OwnToken): string | null {
  if (apiId !== managementApiId) return 'for another API'
  if (claims.cnf !== undefined) return 'bound to a key, which the management API does not ask for'
  return facts.clientId === undefined || facts.userId !== undefined ? 'not of an app itself' : null
}

function refuseUnknown(reason: string, error?: 'invalid_token'): never {
  refuseWith('unauthenticated', {
    reason,
    detail: 'Get a token at the system tenant and send it as Authorization: Bearer.',
    headers: { 'WWW-Authenticate': challenge(error) },
  })
}

/** With what it may do now: read each time, so that a membership that ends has ended. */
export async function callerOf(
  from: From,
  { clientId, scopes }: { readonly clientId: string; readonly scopes: ReadonlySet<Permission> },
): Promise<Caller> {
  const actor = `app ${clientId}`
  const memberships: Membership[] = []
  for (const { tenantId, organizationId, roles } of await listMembershipsOf(from, actor)) {
    const held = await permissionsOfRoles(from, tenantId, roles)
    const isGiven = (name: Permission) => isGivenIn({ tenantId, organizationId }, name)
    memberships.push({ tenantId, organizationId, roles, permissions: held.filter(isGiven) })
  }
  return { actor, scopes, memberships }
}

/** A role brings in an organization what can be given there, whatever else it holds. */
function isGivenIn({ tenantId, organizationId }: MembershipPlace, name: Permission): boolean {
  const { reach } = permissions[name]
  if (organizationId !== null) return reach === 'organization'
  return reach !== 'server' || tenantId === systemTenantId
}
