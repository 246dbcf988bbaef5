/**
 * Without an operator that gets in nobody could manage this server any more but on its own host, with `operators add`. So
 * the last one keeps its role, its app with its organization, and a credential that is good for a while.
 */

import { listClientIds } from '../store/apps.ts'
import { hasLastingCredential } from '../store/credentials.ts'
import type { WriteTransaction } from '../store/database.ts'
import { findMembership, hasOtherOperator, listHolders, type MembershipRecord } from '../store/memberships.ts'
import { systemTenantId, wholeServer } from './authorize.ts'
import { refuseWith } from './problem.ts'

/** Whose only credential ends sooner may find nobody in time who makes another. */
const lastingSeconds = 86_400

export async function refuseLastOperator(
  tx: WriteTransaction,
  { tenantId, organizationId, member, roles }: MembershipRecord,
  after: readonly string[],
): Promise<void> {
  if (tenantId !== systemTenantId || organizationId !== null) return
  if (!roles.includes('operator') || after.includes('operator')) return
  if (!(await hasOtherOperator(tx, { member }, tx.now + lastingSeconds)))
    refuseWith('conflict', { detail: 'This is the last operator of the server. Make another one first.' })
}

/** Before its app is taken out of use. */
export async function keepOperator(tx: WriteTransaction, tenantId: string, clientId: string): Promise<void> {
  const held = await membershipOf(tx, tenantId, clientId)
  if (held !== null) await refuseLastOperator(tx, held, [])
}

/** Before an organization is taken out of use, and its apps with it. */
export async function keepOperatorsOf(
  tx: WriteTransaction,
  tenantId: string,
  organizationId: string,
): Promise<void> {
  if (tenantId !== systemTenantId) return
  const apps = new Set(await listClientIds(tx, tenantId, organizationId))
  const holders = await listHolders(tx, tenantId, 'operator')
  const isOfIt = (one: MembershipRecord) =>
    one.organizationId === null && apps.has(one.member.replace(/^app /, ''))
  if (!holders.some(isOfIt)) return
  if (!(await hasOtherOperator(tx, { organizationId }, tx.now + lastingSeconds)))
    refuseWith('conflict', {
      detail: 'The last operator of the server is in this organization. Make another one elsewhere first.',
    })
}

/** After a credential was taken away, or has got an end. */
export async function checkOperatorGetsIn(
  tx: WriteTransaction,
  tenantId: string,
  clientId: string,
): Promise<void> {
  const held = await membershipOf(tx, tenantId, clientId)
  if (held === null || !held.roles.includes('operator')) return
  const until = tx.now + lastingSeconds
  if (await hasLastingCredential(tx, tenantId, clientId, until)) return
  if (!(await hasOtherOperator(tx, { member: held.member }, until)))
    refuseWith('conflict', {
      detail:
        'The last operator of the server would have no credential that is good for another day. Make one first, or another operator.',
    })
}

const membershipOf = async (tx: WriteTransaction, tenantId: string, clientId: string) =>
  tenantId === systemTenantId ? findMembership(tx, wholeServer, `app ${clientId}`) : null
