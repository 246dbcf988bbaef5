/** A database that does not answer: how it is known, for how long tokens are issued all the same, and which (trust R5). */

import { refuse } from '@sallyport/protocol'
import type { Dialect } from '../tenants/dialect.ts'
import type { OAuthDeps } from './deps.ts'
import type { OAuthRequest } from './request.ts'

// The feed asks every second at the latest, and an answer may take one: a shorter silence is no outage.
const feedPulseSeconds = 3

/** A cut-off that this process has not heard of hits no token issued after it: such a one dies by its own end alone. */
const outageTokenSeconds = 300

export const isOutage = ({ now }: OAuthRequest, { lastContactAt }: OAuthDeps): boolean =>
  now - lastContactAt() > feedPulseSeconds

/** Known clients get tokens for a while when the database is gone, not for ever: a cut-off may be waiting there. */
export function checkOutageGrace({ tenant, now }: OAuthRequest, { lastContactAt }: OAuthDeps): void {
  if (now - lastContactAt() > Math.max(tenant.outageGraceSeconds, feedPulseSeconds)) {
    refuse('temporarily_unavailable', 'the database has been gone for longer than the tenant allows')
  }
}

/** What a token may have left when it is given out, whoever has set a longer life. */
export function longestTokenSeconds(request: OAuthRequest, dialect: Dialect, deps: OAuthDeps): number {
  if (!isOutage(request, deps)) return request.tenant.lifetime.maximumSeconds
  if (!dialect.claimNames.has('exp')) {
    refuse('temporarily_unavailable', 'the database is gone, and no cut-off could end a token without exp')
  }
  return outageTokenSeconds
}
