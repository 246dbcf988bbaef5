/**
 * Which tokens are dead before their time, as this process knows it: of each tenant that is asked about, the rows of
 * `revocations` in memory, kept true by the change feed. What a token is matched by are facts, never its text.
 */

import { CutOffs, type RevocationKind, type TokenFacts } from '@sallyport/protocol'
import type { ChangeFeed } from '../store/changes.ts'
import { createReadThrough } from '../store/read-through.ts'
import { type Revocation, readRevocation } from '../store/revocations.ts'

export interface TenantRevocations {
  /** The latest of all cut-offs, in epoch seconds: whatever is issued after it is hit by none. */
  readonly latest: number
  /** By what it is dead; null for a token that none of them hits. */
  hits(facts: TokenFacts): RevocationKind | null
  /** The latest cut-off of what they name: what is issued after it is hit by none of them. */
  until(facts: TokenFacts): number
}

export interface Revocations {
  /** At once for a tenant that is in memory. */
  ofTenant(tenantId: string): TenantRevocations | Promise<TenantRevocations>
  /** Without asking the database. */
  inMemory(tenantId: string): TenantRevocations | undefined
  /** Reads it again when it is next asked for: what has been swept from the table leaves the memory as well. */
  forget(tenantId: string): void
  close(): void
}

export interface RevocationsOptions {
  readonly changes: ChangeFeed
  readonly load: (tenantId: string) => Promise<readonly Revocation[]>
  readonly tenantEntries?: number
}

const tenantsInMemory = 10_000

export function createRevocations({
  changes,
  load,
  tenantEntries = tenantsInMemory,
}: RevocationsOptions): Revocations {
  const tenants = createReadThrough<CutOffs>(tenantEntries, async (tenantId) => {
    return cutOffsOf(tenantId, await load(tenantId))
  })
  const unfollow = changes.follow(
    (news) => {
      for (const { noun, tenantId, detail } of news) {
        if (noun !== 'revocation' || detail === undefined) continue
        const known = tenants.peek(tenantId)
        if (known) known.add(readRevocation(detail))
        // A load that is under way may have read before the commit: the next question asks again.
        else tenants.drop(tenantId)
      }
    },
    () => tenants.clear(),
  )
  return {
    // The loader never answers null.
    ofTenant: (tenantId) => tenants.get(tenantId) as CutOffs | Promise<CutOffs>,
    inMemory: (tenantId) => tenants.peek(tenantId),
    forget: (tenantId) => tenants.drop(tenantId),
    close: unfollow,
  }
}

function cutOffsOf(tenantId: string, revocations: readonly Revocation[]): CutOffs {
  const cutOffs = new CutOffs(tenantId)
  for (const revocation of revocations) cutOffs.add(revocation)
  return cutOffs
}

/** As they were a moment ago, for who looks once. */
export const revocationsOf: (tenantId: string, revocations: readonly Revocation[]) => TenantRevocations =
  cutOffsOf
