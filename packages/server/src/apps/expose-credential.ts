/** What is done about a secret that others have seen: marked or put out of use, counted, and told of in the log. */

import type { Actor } from '../store/audit-records.ts'
import type { Database, WriteTransaction } from '../store/database.ts'
import { type Exposed, exposeCredential, type NewExposure } from '../store/exposure.ts'
import { selectTenant } from '../store/tenants.ts'
import type { TenantSettings } from '../tenants/settings.ts'

export interface ExposureDeps {
  readonly db: Database
  /** For the audit chain; left out, the server has seen it itself. */
  readonly by?: Actor
  /** Called for what is new. */
  readonly onExposed: (exposure: NewExposure) => void
}

export type ReportExposure = (exposure: NewExposure) => Promise<Exposed>

export const createExposure =
  ({ db, by = 'server', onExposed }: ExposureDeps): ReportExposure =>
  async (exposure) => {
    const exposed = await db.write(async (tx) => {
      const done = await exposeCredential(tx, exposure)
      if (done !== null) record(tx, exposure, by)
      return done
    })
    if (exposed !== null) onExposed(exposure)
    return exposed
  }

/** Not where it was found: whoever reports it writes that. */
function record(
  tx: WriteTransaction,
  { tenantId, clientId, credentialId, by, isQuarantined }: NewExposure,
  actor: Actor,
): void {
  tx.audit({
    ...{ tenantId, actor, action: 'exposeCredential', target: `credential ${clientId} ${credentialId}` },
    after: JSON.stringify({ exposed_by: by, quarantined: isQuarantined }),
  })
}

export interface ExposurePolicy {
  /** Whether the tenant wants what was seen out of use, and not only noted. */
  readonly quarantines: boolean
  /** Under which name its documents want a secret in the URL, or did until their dialect ended. */
  readonly secretInUrl: string | null
}

export async function exposurePolicy(
  { kysely }: Pick<Database, 'kysely'>,
  tenantId: string,
): Promise<ExposurePolicy> {
  const settings = (await selectTenant(kysely, tenantId))?.settings as TenantSettings | undefined
  return {
    quarantines: settings?.exposed_secrets !== 'flag',
    secretInUrl: settings?.dialect?.request?.query_credentials?.client_secret ?? null,
  }
}

export const quarantines = async (db: Pick<Database, 'kysely'>, tenantId: string): Promise<boolean> =>
  (await exposurePolicy(db, tenantId)).quarantines
