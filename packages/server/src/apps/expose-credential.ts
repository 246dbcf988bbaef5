/** What is done about a secret that others have seen: marked or put out of use, counted, and told of in the log. */

import { createTurnstiles } from '../outbound/turnstile.ts'
import type { Actor } from '../store/audit-records.ts'
import { type Database, StoreUnavailable, type WriteTransaction } from '../store/database.ts'
import { type Exposed, exposeCredential, type NewExposure } from '../store/exposure.ts'
import { selectTenant, writeTenant } from '../store/tenants.ts'
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
    // So it comes before or after what others do with the credential, and never in between.
    const exposed = await writeTenant(db, exposure.tenantId, async (tx) => {
      const done = await exposeCredential(tx, exposure)
      if (done !== null) record(tx, exposure, by)
      return done
    })
    if (exposed !== null) onExposed(exposure)
    return exposed
  }

// Each waits for the tenant as long as the database lets it, about a second; together longer than most blueprints take.
const tries = 5
const waitingLimit = 1_000
const longestWaitMilliseconds = 30_000

/**
 * Returns at once. Of one tenant one after the other: however many are seen while others hold the tenant, token requests
 * keep their connections.
 */
export function createExposureLater(
  report: ReportExposure,
  onFailure: (error: unknown) => void,
): (exposure: NewExposure) => void {
  const turnstiles = createTurnstiles(1, waitingLimit)

  async function insist(exposure: NewExposure): Promise<void> {
    const leave = await turnstiles.enter(exposure.tenantId, AbortSignal.timeout(longestWaitMilliseconds))
    // Turned away in a flood: the secret is as exposed at its next sight.
    if (leave === null) return
    try {
      for (let left = tries; left > 0; left -= 1) if (await isReported(exposure, left === 1)) return
    } finally {
      leave()
    }
  }

  async function isReported(exposure: NewExposure, isLast: boolean): Promise<boolean> {
    try {
      await report(exposure)
      return true
    } catch (error) {
      if (isLast || !(error instanceof StoreUnavailable)) throw error
      return false
    }
  }

  return (exposure) => void insist(exposure).catch(onFailure)
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
