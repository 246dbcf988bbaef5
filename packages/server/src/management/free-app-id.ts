/** Whether an id can be given to a new app: nobody has it, and nobody says anything of whoever had it. */

import type { TenantEntry } from '../blueprint/schema.ts'
import { findAppById } from '../store/apps.ts'
import type { WriteTransaction } from '../store/database.ts'
import { isAppNamed } from '../store/named-apps.ts'
import { refuseWith } from './problem.ts'

/**
 * Throws `conflict`. A removal is never refused, because it may have to be quick; so what was said of the app that is gone
 * still stands there, and would be true of another that took its name. A blueprint says both at once, and may.
 */
export async function checkFreeAppId(tx: WriteTransaction, tenant: TenantEntry, id: string): Promise<void> {
  if ((await findAppById(tx, tenant.id, id)) !== null)
    refuseWith('conflict', { detail: `There is an app ${id} in this tenant.` })
  const isTrusted = tenant.trusted_issuers?.some(({ apps }) => apps.includes(id)) === true
  if (isTrusted || (await isAppNamed(tx, tenant.id, id)))
    refuseWith('conflict', {
      detail: `The app ${id} is gone, but a trusted issuer or the token_exchange of an app still names it. Take another id, or let the provider take it out there.`,
    })
}
