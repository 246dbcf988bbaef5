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
  /** Reads it again while it is answered from memory: what has been swept from the table leaves the memory as well. */
  renew(tenantId: string): Promise<void>
  close(): void
}

export interface RevocationsOptions {
  readonly changes: ChangeFeed
  /** Hands over all of them, in pages. */
  readonly load: (tenantId: string, take: (page: readonly Revocation[]) => void) => Promise<void>
  readonly tenantEntries?: number
}

const tenantsInMemory = 10_000

export function createRevocations({
  changes,
  load,
  tenantEntries = tenantsInMemory,
}: RevocationsOptions): Revocations {
  const tenants = createReadThrough<CutOffs>(tenantEntries, async (tenantId) => {
    const cutOffs = new CutOffs(tenantId)
    await load(tenantId, (page) => addAll(cutOffs, page))
    return cutOffs
  })
  const unfollow = changes.follow(
    (news) => {
      for (const { noun, tenantId, detail } of news) {
        if (noun !== 'revocation' || detail === undefined) continue
        tenants.amend(tenantId, (known) => known.add(readRevocation(detail)))
      }
    },
    () => tenants.clear(),
  )
  return {
    // The loader never answers null.
    ofTenant: (tenantId) => tenants.get(tenantId) as CutOffs | Promise<CutOffs>,
    inMemory: (tenantId) => tenants.peek(tenantId),
    renew: (tenantId) => tenants.renew(tenantId),
    close: unfollow,
  }
}

function addAll(cutOffs: CutOffs, revocations: readonly Revocation[]): void {
  for (const revocation of revocations) cutOffs.add(revocation)
}

/** As they were a moment ago, for who looks once. */
export function revocationsOf(tenantId: string, revocations: readonly Revocation[]): TenantRevocations {
  const cutOffs = new CutOffs(tenantId)
  addAll(cutOffs, revocations)
  return cutOffs
}
