/** What is done about a token of client registration that others have seen: ended or only noted, counted, told of in the log. */

import { RecentMap, type RegistrationTokenKind } from '@sallyport/protocol'
import type { Actor } from '../store/audit-records.ts'
import type { Database } from '../store/database.ts'
import type { ExposedBy, Sighting } from '../store/exposure.ts'
import { findTenantByDigest } from '../store/leaked-secrets.ts'
import { quarantines } from './expose-credential.ts'
import { type LeakedToken, reportLeakedToken } from './leaked-tokens.ts'
import { digestOfRegistrationToken } from './registration.ts'

export interface TokenExposure {
  readonly kind: RegistrationTokenKind
  readonly token: string
  readonly exposedBy: ExposedBy
  /** Where it was found, as it may be kept. */
  readonly url?: string | undefined
  readonly request?: Sighting['request']
  readonly isOnlyNoted?: boolean | undefined
}

/** Null for one that is none, or no longer. */
export type ReportTokenExposure = (exposure: TokenExposure) => Promise<LeakedToken | null>

export interface TokenExposureDeps {
  readonly db: Database
  /** For the audit chain; left out, the server has seen it itself. */
  readonly by?: Actor
  readonly onExposed: (exposed: LeakedToken, exposure: TokenExposure) => void
}

export const createTokenExposure =
  ({ db, by = 'server', onExposed }: TokenExposureDeps): ReportTokenExposure =>
  async (exposure) => {
    const exposed = await reportLeakedToken(db, { ...exposure, by })
    if (exposed !== null) onExposed(exposed, exposure)
    return exposed
  }

/** Resolves when it is known whether it is one of ours; what is done about it follows. */
export type NoteExposedToken = (exposure: TokenExposure) => Promise<void>

export interface NotingDeps {
  readonly db: Database
  readonly report: ReportTokenExposure
  readonly clock: () => number
  readonly onFailure: (error: unknown) => void
}

// A program that goes on in this way shall not fill the audit chain where its token is not to be ended.
const againSeconds = 3_600
const tokensKept = 1_000

export function createTokenNoting({ db, report, clock, onFailure }: NotingDeps): NoteExposedToken {
  const noted = new RecentMap<number>(tokensKept)

  /** Whether there is nothing more to do. */
  async function isNoted(tenantId: string, name: string, { isOnlyNoted }: TokenExposure): Promise<boolean> {
    const at = noted.get(name)
    if (at === undefined || clock() - at >= againSeconds) return false
    return isOnlyNoted === true || !(await quarantines(db, tenantId))
  }

  return async (exposure) => {
    const digest = digestOfRegistrationToken(exposure.token)
    const tenantId = await findTenantByDigest(db, exposure.kind, digest)
    const name = Buffer.from(digest).toString('hex')
    if (tenantId === null || (await isNoted(tenantId, name, exposure))) return
    noted.set(name, clock())
    report(exposure).catch((error: unknown) => {
      noted.delete(name)
      onFailure(error)
    })
  }
}
