/** Roles that go with whoever had them, as the audit chain says them: in the record of what has gone, and in each tenant of theirs. */

import type { MembershipRecord } from '../store/memberships.ts'
import type { Written } from './operation.ts'

const said = ({ organizationId, member, roles }: MembershipRecord) => ({
  ...{ member, organization: organizationId, roles },
})

/** `tenantId` is where the holder is recorded as gone. */
export function lostMemberships(
  tenantId: string,
  value: object,
  lost: readonly MembershipRecord[],
): Pick<Written, 'before' | 'elsewhere'> {
  const memberships = lost.map((one) => ({ tenant: one.tenantId, ...said(one) }))
  const others = lost.filter((one) => one.tenantId !== tenantId)
  return {
    before: { ...value, memberships },
    elsewhere: others.map((one) => ({
      tenantId: one.tenantId,
      action: one.organizationId === null ? 'removeMembership' : 'removeMembershipOfOrganization',
      name: membershipName(one),
      before: said(one),
    })),
  }
}

/** In the audit chain. */
export const membershipName = ({
  member,
  organizationId,
}: Pick<MembershipRecord, 'member' | 'organizationId'>): string =>
  organizationId === null ? `membership ${member}` : `membership ${member} in ${organizationId}`
