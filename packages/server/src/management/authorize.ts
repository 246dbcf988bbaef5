/** Who may do what: the one place that decides it, from the permission that the table names and the place of the target. */

import type { Caller, Membership } from './caller.ts'
import type { Place } from './operation.ts'
import { type Permission, permissions } from './permissions.ts'
import { refuseWith } from './problem.ts'

export const systemTenantId = 'system'

/** Whoever belongs to the system tenant as a whole belongs everywhere. */
const reaches = (membership: Membership, { tenantId, organizationId }: Place): boolean => {
  if (membership.tenantId === systemTenantId && membership.organizationId === null) return true
  if (tenantId === null || membership.tenantId !== tenantId) return false
  return membership.organizationId === null || membership.organizationId === organizationId
}

/**
 * A member of an organization may see what all organizations of the tenant share, such as its APIs; the permission says
 * so by its reach.
 */
const sharesWith = (membership: Membership, { tenantId, organizationId }: Place): boolean =>
  tenantId !== null && membership.tenantId === tenantId && organizationId === null

/** What the caller may do there, by its roles. */
export function permissionsAt({ memberships }: Caller, place: Place): ReadonlySet<Permission> {
  return new Set(memberships.filter((one) => reaches(one, place)).flatMap((one) => one.permissions))
}

/**
 * Throws `insufficient_scope`, `forbidden`, or, where the caller may not know that there is anything, `not_found`: the same
 * as for what does not exist.
 */
export function authorize(
  caller: Caller,
  permission: Permission | null,
  place: Place,
  isShared = false,
): void {
  if (permission === null) return
  const known = caller.memberships.filter(
    (one) => reaches(one, place) || (isShared && sharesWith(one, place)),
  )
  if (known.length === 0) refuseWith('not_found', { reason: `no membership reaches ${describe(place)}` })
  if (!caller.scopes.has(permission)) {
    refuseWith('insufficient_scope', {
      detail: `The token needs the scope ${permission}: ${permissions[permission].about}.`,
      headers: { 'WWW-Authenticate': challenge('insufficient_scope', permission) },
    })
  }
  if (!known.some((one) => one.permissions.includes(permission))) {
    refuseWith('forbidden', {
      detail: `This needs the permission ${permission}, which none of your roles has here.`,
    })
  }
}

const describe = ({ tenantId, organizationId }: Place): string =>
  tenantId === null ? 'the server' : organizationId === null ? tenantId : `${tenantId}/${organizationId}`

/** RFC 6750 §3: without an error code where no token was shown. */
export function challenge(error?: 'invalid_token' | 'insufficient_scope', scope?: string): string {
  const parts = ['realm="sallyport management"']
  if (error !== undefined) parts.push(`error="${error}"`)
  if (scope !== undefined) parts.push(`scope="${scope}"`)
  return `Bearer ${parts.join(', ')}`
}
