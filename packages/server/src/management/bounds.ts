/**
 * How many rows the people of one organization can make: as many as anybody needs, and no more than a list, a cache or a
 * token request can bear. Who has reached the end is told what to do.
 */

import { standingOf } from '../apps/secrets.ts'
import { formOfFormat } from '../blueprint/proof.ts'
import { listClientIds } from '../store/apps.ts'
import { listCredentials } from '../store/credentials.ts'
import type { WriteTransaction } from '../store/database.ts'
import { listInvitations } from '../store/invitations.ts'
import { listKeyRequests } from '../store/key-requests.ts'
import { listRegistrationTokens } from '../store/registration-tokens.ts'
import { permissionsAt } from './authorize.ts'
import type { Caller } from './caller.ts'
import type { Place } from './operation.ts'
import { refuseWith } from './problem.ts'

export const most = {
  ...{ goodSecrets: 10, credentials: 100 },
  ...{ apps: 1_000, openKeyRequests: 20, invitations: 100, registrationTokens: 100 },
} as const

/** After one was added or is good again: each good secret costs every attempt a look, and is one more to lose. */
export async function checkCredentialCount(
  tx: WriteTransaction,
  tenantId: string,
  clientId: string,
): Promise<void> {
  const rows = await listCredentials(tx, tenantId, clientId)
  const isGoodSecret = (row: (typeof rows)[number]) =>
    formOfFormat(row.format) === 'secret' && standingOf(row, tx.now) === 'good'
  if (rows.filter(isGoodSecret).length > most.goodSecrets)
    refuseWith('conflict', {
      detail: `An app has at most ${most.goodSecrets} good secrets at once. Remove one that nobody uses any more: last_used_at tells.`,
    })
  if (rows.length > most.credentials)
    refuseWith('conflict', {
      detail: `An app has at most ${most.credentials} credentials. Remove those that have ended.`,
    })
}

/** Before one is made. The provider's people may make more. */
export async function checkAppCount(tx: WriteTransaction, caller: Caller, place: Place): Promise<void> {
  const { tenantId, organizationId } = place
  if (tenantId === null || organizationId === null) return
  if (permissionsAt(caller, place).has('grant_app_privileges')) return
  const made = await listClientIds(tx, tenantId, organizationId, most.apps)
  if (made.length >= most.apps)
    refuseWith('conflict', {
      detail: `An organization makes at most ${most.apps} apps itself. Remove some, or ask the provider.`,
    })
}

/** Before one is asked; what is decided is no burden to anybody. */
export async function checkKeyRequestCount(
  tx: WriteTransaction,
  tenantId: string,
  organizationId: string,
): Promise<void> {
  const query = { organizationId, state: 'asked' as const, limit: most.openKeyRequests, after: undefined }
  const open = await listKeyRequests(tx, tenantId, query)
  if (open.length >= most.openKeyRequests)
    refuseWith('conflict', {
      detail: `${most.openKeyRequests} requests of this organization wait for an answer. Take one back, or wait.`,
    })
}

/** Before one is made; those that are over count, because they stand in the list until they are removed. */
export async function checkInvitationCount(tx: WriteTransaction, place: Place): Promise<void> {
  const { tenantId, organizationId } = place
  if (tenantId === null || organizationId === null) return
  const query = { organizationId, limit: most.invitations, after: undefined }
  const made = await listInvitations(tx, tenantId, query)
  if (made.length >= most.invitations)
    refuseWith('conflict', {
      detail: `An organization has at most ${most.invitations} invitations. Remove those that are accepted or have expired.`,
    })
}

/** Before one is made; those that are used up or over count, because they stand in the list until they are removed. */
export async function checkRegistrationTokenCount(
  tx: WriteTransaction,
  tenantId: string,
  organizationId: string,
): Promise<void> {
  const query = { organizationId, limit: most.registrationTokens, after: undefined }
  const made = await listRegistrationTokens(tx, tenantId, query)
  if (made.length >= most.registrationTokens)
    refuseWith('conflict', {
      detail: `An organization has at most ${most.registrationTokens} registration tokens. Remove those that are used up or have expired.`,
    })
}
