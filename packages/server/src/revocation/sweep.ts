/** Forgets revocations that can hit no token any more, and changes that no follower will ask for. */

import { pruneChanges } from '../store/changes.ts'
import type { Database } from '../store/database.ts'
import { sweepRevocations } from '../store/revocations.ts'
import { listTenantIds } from '../store/tenants.ts'
import type { Directory } from '../tenants/directory.ts'
import type { Tenant } from '../tenants/tenant.ts'
import type { Revocations } from './revocations.ts'

export interface SweepDeps {
  readonly db: Database
  readonly directory: Directory
  readonly revocations: Revocations
}

// Clocks of nodes differ, and a token may be used on the second it ends.
const slackSeconds = 300
const changesKeptSeconds = 7 * 86_400

export async function sweepEnded({ db, directory, revocations }: SweepDeps, now: number): Promise<void> {
  for (const tenantId of await listTenantIds(db)) {
    const tenant = await directory.tenant(tenantId)
    if (tenant === null) continue
    const ends = { now: now - slackSeconds, cutOffsBefore: cutOffsBefore(tenant, now) }
    if ((await sweepRevocations(db, tenantId, ends)) > 0) revocations.forget(tenantId)
  }
  await db.write((tx) => pruneChanges(tx, now - changesKeptSeconds))
}

/** The longest that any token of the tenant may live; without `exp` that is for ever. */
function cutOffsBefore({ dialect, lifetime }: Tenant, now: number): number | null {
  return dialect.claimNames.has('exp') ? now - lifetime.maximumSeconds - slackSeconds : null
}
