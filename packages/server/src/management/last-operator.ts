/**
 * Without an operator that gets in nobody could manage this server any more but on its own host, with `operators add`. So
 * the last one keeps its role, its app, and a credential that is good for a while.
 */

import { hasLastingCredential } from '../store/credentials.ts'
import type { WriteTransaction } from '../store/database.ts'
import { findMembership, hasOtherOperator, type MembershipRecord } from '../store/memberships.ts'
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
  if (!(await hasOtherOperator(tx, member, tx.now + lastingSeconds)))
    refuseWith('conflict', { detail: 'This is the last operator of the server. Make another one first.' })
}

/** Before its app is taken out of use. */
export async function keepOperator(tx: WriteTransaction, tenantId: string, clientId: string): Promise<void> {
  const held = await membershipOf(tx, tenantId, clientId)
  if (held !== null) await refuseLastOperator(tx, held, [])
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
  if (!(await hasOtherOperator(tx, held.member, until)))
    refuseWith('conflict', {
      detail:
        'The last operator of the server would have no credential that is good for another day. Make one first, or another operator.',
    })
}

const membershipOf = async (tx: WriteTransaction, tenantId: string, clientId: string) =>
  tenantId === systemTenantId ? findMembership(tx, wholeServer, `app ${clientId}`) : null
