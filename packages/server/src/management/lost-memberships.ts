/** Roles that go with whoever had them, as the audit chain says them: in the record of what has gone, and in each tenant of theirs. */

import type { WriteTransaction } from '../store/database.ts'
import { listMembershipsOf, type MembershipRecord, removeMembershipsOf } from '../store/memberships.ts'
import type { Written } from './operation.ts'

const said = ({ organizationId, member, roles }: MembershipRecord) => ({
  ...{ member, organization: organizationId, roles },
})

/** As the record of what has gone names them. */
export const saidMemberships = (lost: readonly MembershipRecord[]) =>
  lost.map((one) => ({ tenant: one.tenantId, ...said(one) }))

/** One record for each of them in another tenant than `tenantId`, where what has gone is recorded. */
export const recordsElsewhere = (
  tenantId: string,
  lost: readonly MembershipRecord[],
): NonNullable<Written['elsewhere']> =>
  lost
    .filter((one) => one.tenantId !== tenantId)
    .map((one) => ({
      tenantId: one.tenantId,
      action: one.organizationId === null ? 'removeMembership' : 'removeMembershipOfOrganization',
      name: membershipName(one),
      before: said(one),
    }))

export const lostMemberships = (
  tenantId: string,
  value: object,
  lost: readonly MembershipRecord[],
): Pick<Written, 'before' | 'elsewhere'> => ({
  before: { ...value, memberships: saidMemberships(lost) },
  elsewhere: recordsElsewhere(tenantId, lost),
})

/** Of apps that manage, wherever they may; answers what they had. */
export async function removeRoles(
  tx: WriteTransaction,
  clientIds: readonly string[],
): Promise<readonly MembershipRecord[]> {
  const lost: MembershipRecord[] = []
  for (const clientId of clientIds) {
    lost.push(...(await listMembershipsOf(tx, `app ${clientId}`)))
    await removeMembershipsOf(tx, `app ${clientId}`)
  }
  return lost
}

/** In the audit chain. */
export const membershipName = ({
  member,
  organizationId,
}: Pick<MembershipRecord, 'member' | 'organizationId'>): string =>
  organizationId === null ? `membership ${member}` : `membership ${member} in ${organizationId}`
