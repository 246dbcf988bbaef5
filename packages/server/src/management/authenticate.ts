/** Who calls: an app of the system tenant, proven by an ordinary access token for the management API, bound or not. */

import { listMembershipsOf } from '../store/memberships.ts'
import type { Directory } from '../tenants/directory.ts'
import { type FindDeps, findOwnToken } from '../tokens/find.ts'
import type { OwnToken } from '../tokens/own-token.ts'
import { deadBecause, type StandingDeps } from '../tokens/standing.ts'
import { canBeHeld, systemTenantId } from './authorize.ts'
import type { Caller, Membership } from './caller.ts'
import { challenge, type Scheme } from './challenge.ts'
import type { From } from './operation.ts'
import { isPermission, type Permission } from './permissions.ts'
import { refuseWith } from './problem.ts'
import { proveSender, type SenderDeps } from './prove-sender.ts'
import type { ManagementRequest } from './request.ts'
import { permissionsOfRoles } from './roles.ts'

/** The API of the system tenant that the tokens are for. */
export const managementApiId = 'management'

export interface CallerDeps extends FindDeps, StandingDeps, SenderDeps {
  readonly directory: Directory
}

/** What is known of a caller before its memberships are read. */
export interface Holder {
  readonly clientId: string
  readonly scopes: ReadonlySet<Permission>
  readonly scheme: Scheme
}

/** The token's holder. Throws `unauthenticated`, with a reason for the log alone. */
export async function authenticate(
  request: ManagementRequest,
  now: number,
  deps: CallerDeps,
): Promise<Holder> {
  const tenant = await deps.directory.tenant(systemTenantId)
  const algorithms = tenant?.security.proofAlgorithms
  const { scheme, text } = readAuthorization(request, algorithms)
  const refuse = (reason: string) => refuseUnknown(scheme, algorithms, reason)
  if (tenant === null) return refuse('there is no system tenant')
  const token = (await findOwnToken(tenant, text, deps)) ?? refuse('no token of the system tenant')
  const reason = whyUnfit(token) ?? (await deadBecause(token, tenant, now, deps))
  if (reason !== null) return refuse(reason)
  await proveSender({ request, scheme, text, token, tenant, now }, deps)
  const { clientId = '' } = token.facts
  return { clientId, scopes: new Set(token.scopes.filter(isPermission)), scheme }
}

/** RFC 6750 §2.1, RFC 9449 §7.1: in the header, once, and nowhere else. */
const authorizationHeader = /^(bearer|dpop) ([\w~+/.-]+=*)$/i

function readAuthorization({ authorization: [header, second] }: ManagementRequest, algorithms: Algorithms) {
  if (header === undefined) return refuseUnknown(null, algorithms, 'no token')
  const [, scheme, text] = (second === undefined && authorizationHeader.exec(header)) || []
  if (scheme === undefined || text === undefined)
    return refuseUnknown(isOtherScheme(header) ? null : 'Bearer', algorithms, 'no one bearer or DPoP token')
  return { scheme: scheme.toLowerCase() === 'dpop' ? ('DPoP' as const) : ('Bearer' as const), text }
}

/** RFC 6750 §3.1: whoever has tried something else is told what there is, and of no error. */
const isOtherScheme = (header: string): boolean => !/^(?:bearer|dpop)\b/i.test(header)

/** RFC 9068 §4: an access token for this API. */
function whyUnfit({ apiId, facts }: OwnToken): string | null {
  if (apiId !== managementApiId) return 'for another API'
  return facts.clientId === undefined || facts.userId !== undefined ? 'not of an app itself' : null
}

type Algorithms = Iterable<string> | undefined

/** Null for no token at all: whoever shows none may show either kind (RFC 9449 §7.2). */
function refuseUnknown(scheme: Scheme | null, algorithms: Algorithms, reason: string): never {
  const challenges =
    scheme === null
      ? [challenge('Bearer'), challenge('DPoP', { algorithms })]
      : [challenge(scheme, { error: 'invalid_token', algorithms })]
  refuseWith('unauthenticated', {
    reason,
    detail:
      'Get a token at the system tenant and send it as Authorization: Bearer, or bound to a key as DPoP.',
    headers: { 'WWW-Authenticate': challenges.join(', ') },
  })
}

/** With what it may do now: read each time, so that a membership that ends has ended. */
export async function callerOf(from: From, { clientId, scopes, scheme }: Holder): Promise<Caller> {
  const actor = `app ${clientId}`
  const memberships: Membership[] = []
  for (const { tenantId, organizationId, roles } of await listMembershipsOf(from, actor)) {
    const held = await permissionsOfRoles(from, tenantId, roles)
    const place = { tenantId, organizationId }
    memberships.push({ ...place, roles, permissions: held.filter((name) => canBeHeld(name, place)) })
  }
  return { actor, scopes, scheme, memberships }
}
