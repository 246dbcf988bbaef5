/**
 * Who may give and take which roles where. Nobody gives, takes or touches more than they hold there themselves, and no place
 * gets a permission that cannot be held in it.
 */

import type { MembershipRecord } from '../store/memberships.ts'
import { findRoles } from '../store/roles.ts'
import { canBeHeld, permissionsAt } from './authorize.ts'
import type { Caller } from './caller.ts'
import { challenge } from './challenge.ts'
import type { From, Place } from './operation.ts'
import {
  builtInRoles,
  inOrder,
  isBuiltInRole,
  type Permission,
  permissions,
  type Reach,
} from './permissions.ts'
import { type Misfit, refuseWith } from './problem.ts'
import { permissionsOfRoles } from './roles.ts'

/** The widest that any of them needs. */
export const reachOf = (names: readonly Permission[]): Reach =>
  (['server', 'tenant'] as const).find((reach) => names.some((name) => permissions[name].reach === reach)) ??
  'organization'

/** In order and without repeats. Throws `invalid_body` for roles that are none of the tenant, or cannot be held there. */
export async function checkRoles(
  from: From,
  place: Place,
  ids: readonly string[],
): Promise<readonly string[]> {
  const made = await findRoles(from, place.tenantId ?? '', ids)
  const own = new Map(made.map((role) => [role.id, inOrder(role.permissions)]))
  const misfits = ids.flatMap((id, index) => {
    const held = isBuiltInRole(id) ? builtInRoles[id].permissions : own.get(id)
    const misfit = held === undefined ? unknownRole : misfitAt(place, id, held)
    return misfit === null ? [] : [{ ...misfit, pointer: `/roles/${index}` }]
  })
  if (misfits.length > 0) refuseWith('invalid_body', { misfits })
  return [...new Set(ids)].sort()
}

const unknownRole = { found: 'an unknown role', expected: 'the id of a role of this tenant' }

function misfitAt(place: Place, id: string, held: readonly Permission[]): Omit<Misfit, 'pointer'> | null {
  const beyond = held.filter((name) => !canBeHeld(name, place))
  if (beyond.length === 0) return null
  const kind = place.organizationId === null ? 'a tenant' : 'an organization'
  const found = `${id}, which brings ${beyond.join(', ')}`
  return { found, expected: `a role whose permissions can all be held in ${kind}` }
}

/**
 * Throws `forbidden` where the caller lacks one of them, or `insufficient_scope` where its token does: a weak token must not
 * make another caller strong.
 */
export function refuseBeyond(caller: Caller, place: Place, needed: readonly Permission[]): void {
  const held = permissionsAt(caller, place)
  const lacking = inOrder(needed).filter((name) => !held.has(name))
  if (lacking.length > 0)
    refuseWith('forbidden', {
      detail: `Only who holds ${lacking.join(', ')} here may do this; none of your roles does.`,
      isDenial: true,
    })
  const weak = inOrder(needed).filter((name) => !caller.scopes.has(name))
  if (weak.length > 0)
    refuseWith('insufficient_scope', {
      detail: `Your roles allow this, but the token lacks the scopes ${weak.join(', ')}.`,
      headers: {
        'WWW-Authenticate': challenge(caller.scheme, { error: 'insufficient_scope', scope: weak.join(' ') }),
      },
      isDenial: true,
    })
}

/** Of a change only what comes and what goes counts. */
export async function checkChange(
  from: From,
  caller: Caller,
  place: Place,
  before: readonly string[],
  after: readonly string[],
): Promise<void> {
  const given = after.filter((id) => !before.includes(id))
  const taken = before.filter((id) => !after.includes(id))
  const named = await permissionsOfRoles(from, place.tenantId ?? '', [...given, ...taken])
  refuseBeyond(
    caller,
    place,
    named.filter((name) => canBeHeld(name, place)),
  )
}

/** Whoever could change or remove somebody stronger would be as strong. */
export async function refuseStronger(
  from: From,
  caller: Caller,
  memberships: readonly MembershipRecord[],
): Promise<void> {
  for (const { roles, ...place } of memberships) await checkChange(from, caller, place, roles, [])
}
