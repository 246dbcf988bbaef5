/** A secret that was found in public: whose it is, and the end of its use. */

import { parseRegistrationToken } from '@sallyport/protocol'
import type { SecretHasher } from '../keys/secret-hasher.ts'
import type { Database } from '../store/database.ts'
import type { Exposed } from '../store/exposure.ts'
import { quarantines, type ReportExposure } from './expose-credential.ts'
import type { ReportTokenExposure } from './expose-token.ts'
import type { LeakedToken } from './leaked-tokens.ts'
import { findOwners } from './secret-owners.ts'

export interface LeakReportDeps {
  readonly db: Database
  readonly hasher: SecretHasher
  readonly expose: ReportExposure
  readonly exposeToken: ReportTokenExposure
}

export interface Leak {
  readonly secret: string
  /** Where it was found. */
  readonly url?: string | undefined
}

/** A credential that the secret is of, and what has become of it now. */
export interface LeakedCredential {
  readonly kind: 'credential'
  readonly tenantId: string
  readonly clientId: string
  readonly credentialId: string
  /** Null if nothing new: it was marked, or out of use, before. */
  readonly exposed: Exposed
  readonly isDisabled: boolean
  /** Epoch seconds; null for never. */
  readonly expiresAt: number | null
}

export type Leaked = LeakedCredential | LeakedToken

/** None for a secret that is not ours; without a look at the store if its prefix or checksum says so. */
export async function reportLeak({ secret, url }: Leak, deps: LeakReportDeps): Promise<readonly Leaked[]> {
  const leak = { secret, url: url === undefined ? undefined : urlToKeep(url, secret) }
  const kind = parseRegistrationToken(secret)
  if (kind === null) return reportLeakedSecret(leak, deps)
  const token = await deps.exposeToken({ kind, token: secret, url: leak.url, exposedBy: 'leak_report' })
  return token === null ? [] : [token]
}

async function reportLeakedSecret({ secret, url }: Leak, deps: LeakReportDeps): Promise<LeakedCredential[]> {
  const { db, expose } = deps
  const found = await findOwners([secret], deps)
  const leaked: LeakedCredential[] = []
  for (const { tenantId, clientId, credentialId, disabledAt, expiresAt } of found) {
    const isQuarantined = await quarantines(db, tenantId)
    const exposed = await expose({
      ...{ tenantId, clientId, credentialId, isQuarantined },
      by: 'leak_report',
      url,
    })
    const isDisabled = isQuarantined || disabledAt !== null
    leaked.push({
      ...{ kind: 'credential', tenantId, clientId, credentialId },
      ...{ exposed, isDisabled, expiresAt },
    })
  }
  return leaked
}

const longestUrl = 500

/** A place that people can go to, without what may be a secret itself. */
function urlToKeep(text: string, secret: string): string | undefined {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined
  const place = url.origin + url.pathname
  return place.length > longestUrl || place.includes(secret) ? undefined : place
}
