/** Who may do what: the one place that decides it, from the permission that the table names and the place of the target. */

import type { Caller, Membership } from './caller.ts'
import { challenge } from './challenge.ts'
import { type Operation, type Place, serverPlace } from './operation.ts'
import { type Permission, permissionNames, permissions } from './permissions.ts'
import { refuseWith } from './problem.ts'

export const systemTenantId = 'system'
/** The organization of it whose apps manage. */
export const operatorsId = 'operators'

/** Whoever belongs to the system tenant as a whole belongs everywhere. */
export const wholeServer = { tenantId: systemTenantId, organizationId: null } as const

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

/** A role brings in a place what can be given there, whatever else it holds. */
export function canBeHeld(name: Permission, { tenantId, organizationId }: Place): boolean {
  const { reach } = permissions[name]
  if (organizationId !== null) return reach === 'organization'
  return reach !== 'server' || tenantId === systemTenantId
}

/** What the caller may do there, by its roles. */
export function permissionsAt({ memberships }: Caller, place: Place): ReadonlySet<Permission> {
  return new Set(memberships.filter((one) => reaches(one, place)).flatMap((one) => one.permissions))
}

/**
 * Throws `not_found` to whoever belongs nowhere in the tenant, or not to the organization that the path names, before
 * anything is looked for: so what is there and what is not costs the same time.
 */
export function checkBelongs(caller: Caller, { permission }: Asked, place: Place): void {
  if (permission === null || place.tenantId === null) return
  const belongs = (one: Membership) => place.organizationId === null && one.tenantId === place.tenantId
  if (!caller.memberships.some((one) => belongs(one) || reaches(one, place)))
    refuseWith('not_found', { reason: `no membership reaches ${describe(place)}`, isDenial: true })
}

/** Whether nothing in the tenant is hidden from the caller. */
export const seesWhole = ({ memberships }: Caller, tenantId: string | null): boolean =>
  memberships.some((one) => reaches(one, { tenantId, organizationId: null }))

const knownAt = ({ memberships }: Caller, { isShared }: Asked, place: Place): readonly Membership[] =>
  memberships.filter((one) => reaches(one, place) || (isShared && sharesWith(one, place)))

/** Whether the caller may not know that there is anything. */
export const isHidden = (caller: Caller, asked: Asked, place: Place): boolean =>
  asked.permission !== null && knownAt(caller, asked, place).length === 0

/**
 * Throws `insufficient_scope`, `forbidden`, or, of what is hidden, `not_found`: the same as for what does not exist, with
 * the same `detail`.
 */
export function authorize(caller: Caller, asked: Asked, place: Place, detail?: string): void {
  const { permission, kind } = asked
  if (permission === null) return
  const known = knownAt(caller, asked, place)
  if (known.length === 0) {
    refuseWith('not_found', { detail, reason: `no membership reaches ${describe(place)}`, isDenial: true })
  }
  requireScope(caller, permission)
  if (!known.some((one) => one.permissions.includes(permission))) requirePermission(caller, permission, place)
  if (kind === 'write' && place.tenantId === systemTenantId) requireOperator(caller)
}

type Asked = Pick<Operation, 'permission' | 'isShared' | 'kind'>

function requireScope({ scopes, scheme }: Caller, permission: Permission): void {
  if (scopes.has(permission)) return
  refuseWith('insufficient_scope', {
    detail: `The token needs the scope ${permission}: ${permissions[permission].about}.`,
    headers: { 'WWW-Authenticate': challenge(scheme, { error: 'insufficient_scope', scope: permission }) },
    isDenial: true,
  })
}

/** For what one operation allows to some of those who may ask it. Throws `forbidden`, or `insufficient_scope`. */
export function requirePermission(caller: Caller, permission: Permission, place: Place): void {
  if (!permissionsAt(caller, place).has(permission)) {
    refuseWith('forbidden', {
      detail: `This needs the permission ${permission}, which none of your roles has here.`,
      isDenial: true,
    })
  }
  requireScope(caller, permission)
}

/** Who changes the system tenant changes who may do what: a secret more for one of its apps is that app's power. */
function requireOperator(caller: Caller): void {
  const held = permissionsAt(caller, serverPlace)
  // The token too: one that may do little must not be worth a secret that may do everything.
  if (permissionNames.every((name) => held.has(name) && caller.scopes.has(name))) return
  refuseWith('forbidden', {
    detail: 'Only an operator of the whole server, with a token of all scopes, may change the tenant system.',
    isDenial: true,
  })
}

const describe = ({ tenantId, organizationId }: Place): string =>
  tenantId === null ? 'the server' : organizationId === null ? tenantId : `${tenantId}/${organizationId}`
