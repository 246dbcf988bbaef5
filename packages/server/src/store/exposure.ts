/** Secrets that others have seen: the credential is marked, and put out of use where the tenant wants that. */

import { credentialSubject } from '@sallyport/protocol'
import { sql } from 'kysely'
import { credentialsChanged } from './client-credentials.ts'
import type { WriteTransaction } from './database.ts'
import { saveNotice } from './notices.ts'
import { cutOff } from './revocations.ts'

/** `leak_report`: found in public by a scanner or by somebody who told the operator. */
export type ExposedBy = 'plain_http' | 'query_string' | 'leak_report'

/** Where a secret was seen, and what may come of that. */
export interface Sighting {
  readonly by: ExposedBy
  /** The request that carried it, for the log. */
  readonly request?: { readonly id: string | undefined; readonly clientAddress: string }
  /** Nothing is put out of use, whatever the tenant wants. */
  readonly isOnlyNoted?: boolean
}

export interface NewExposure extends Pick<Sighting, 'by' | 'request'> {
  readonly tenantId: string
  readonly clientId: string
  readonly credentialId: string
  /** Disabled from now on, and what was got with it dies. */
  readonly isQuarantined: boolean
  /** Where it was found, as the report says. */
  readonly url?: string | undefined
}

/** What has become of the credential; null if nothing new: it was marked, or out of use, before. */
export type Exposed = 'flagged' | 'quarantined' | null

/** How and when it was seen first stays. */
export async function exposeCredential(tx: WriteTransaction, exposure: NewExposure): Promise<Exposed> {
  const { tenantId, clientId, credentialId, by, isQuarantined } = exposure
  const { numUpdatedRows } = await tx.kysely
    .updateTable('credentials')
    .set({
      exposed_at: sql<number>`coalesce(exposed_at, ${tx.now})`,
      exposed_by: sql<string>`coalesce(exposed_by, ${by})`,
      updated_at: tx.now,
      ...(isQuarantined && { disabled_at: sql<number>`coalesce(disabled_at, ${tx.now})` }),
    })
    .where('tenant_id', '=', tenantId)
    .where('client_id', '=', clientId)
    .where('id', '=', credentialId)
    .where((eb) =>
      isQuarantined
        ? eb.or([eb('exposed_at', 'is', null), eb('disabled_at', 'is', null)])
        : eb('exposed_at', 'is', null),
    )
    .executeTakeFirst()
  if (numUpdatedRows === 0n) return null
  await credentialsChanged(tx, tenantId, clientId)
  if (isQuarantined)
    await cutOff(tx, tenantId, { kind: 'credential', subjectId: credentialSubject(clientId, credentialId) })
  await saveNotice(tx, { ...exposure, kind: 'exposed', detail: detailOf(exposure) })
  return isQuarantined ? 'quarantined' : 'flagged'
}

const detailOf = ({ by, isQuarantined, url }: NewExposure) => ({
  by,
  quarantined: isQuarantined,
  ...(url !== undefined && { url }),
})
