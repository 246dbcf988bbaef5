/** Who calls, and what they may do where. */

import type { Actor } from '../store/audit-records.ts'
import type { Scheme } from './challenge.ts'
import type { Permission } from './permissions.ts'

/** Belonging somewhere, and what that allows there. */
export interface Membership {
  readonly tenantId: string
  /** Null for the tenant as a whole. */
  readonly organizationId: string | null
  readonly roles: readonly string[]
  readonly permissions: readonly Permission[]
}

export interface Caller {
  readonly actor: Actor
  /** What the token may be used for, whatever the roles. */
  readonly scopes: ReadonlySet<Permission>
  /** How its token was shown. */
  readonly scheme: Scheme
  readonly memberships: readonly Membership[]
}
