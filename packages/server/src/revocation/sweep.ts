/** Forgets revocations that can hit no token any more, and changes that no follower will ask for. */

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from '../store/database.ts'
import { pruneChanges } from '../store/old-changes.ts'
import { hasEndlessTokens } from '../store/opaque-tokens.ts'
import { sweepRevocations } from '../store/revocations.ts'
import { listSigningKeys, type SigningKeyRecord } from '../store/signing-keys.ts'
import { listTenantIds } from '../store/tenants.ts'
import type { Directory } from '../tenants/directory.ts'
import { outsideTokenSeconds } from '../tenants/lifetime.ts'
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

export async function sweepEnded(
  { db, directory, revocations }: SweepDeps,
  now: number,
  stopping?: AbortSignal,
): Promise<void> {
  const isEndless = await hasEndlessTokens(db)
  for (const tenantId of await listTenantIds(db)) {
    // SQLite answers at once, and nobody else would be answered until the last tenant has been looked at.
    await nextTurn()
    if (stopping?.aborted) return
    const tenant = await directory.tenant(tenantId)
    if (tenant === null) continue
    const keys = (await listSigningKeys(db, tenantId)).filter((key) => mayCount(key, now, isEndless))
    const longest = longestTokenSeconds(tenant, keys)
    // Who has been cut off is so too by what an outside issuer said before, which somebody may still bring.
    const cutOffsBefore = longest === null ? null : now - longest - outsideTokenSeconds - slackSeconds
    const ends = { now: now - slackSeconds, cutOffsBefore }
    if ((await sweepRevocations(db, tenantId, ends, stopping)) > 0) await revocations.renew(tenantId)
  }
  await pruneChanges(db, now - changesKeptSeconds, stopping)
}

/**
 * The longest that any token of the tenant may live, under today's settings or those of any day that a key of it remembers;
 * null for ever.
 */
function longestTokenSeconds(
  { dialect, lifetime }: Tenant,
  keys: readonly SigningKeyRecord[],
): number | null {
  const lives = keys.map((key) => key.longestTokenSeconds)
  if (!dialect.claimNames.has('exp') || lives.includes(null)) return null
  return Math.max(lifetime.maximumSeconds, ...lives.map((seconds) => seconds ?? 0))
}

/**
 * With a key that is retired its JWTs are dead, yet not the opaque tokens of its time, which nothing else remembers: those
 * live on for as long as they were given, and without an end while there are any such.
 */
function mayCount(
  { state, longestTokenSeconds: longest, updatedAt }: SigningKeyRecord,
  now: number,
  isEndless: boolean,
) {
  if (state !== 'retired') return true
  return longest === null ? isEndless : updatedAt + longest + slackSeconds > now
}
