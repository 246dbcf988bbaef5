/** Roles to permissions: the built-in ones, and those that a tenant has made. */

import { findRoles } from '../store/roles.ts'
import type { From } from './operation.ts'
import { builtInRoles, inOrder, isBuiltInRole, type Permission } from './permissions.ts'

/** Of a role that is gone nothing. */
export async function permissionsOfRoles(
  from: From,
  tenantId: string,
  roles: readonly string[],
): Promise<readonly Permission[]> {
  const own = roles.filter((id) => !isBuiltInRole(id))
  const made = own.length === 0 ? [] : await findRoles(from, tenantId, own)
  return inOrder([
    ...roles.filter(isBuiltInRole).flatMap((id) => builtInRoles[id].permissions),
    ...made.flatMap(({ permissions }) => permissions),
  ])
}
