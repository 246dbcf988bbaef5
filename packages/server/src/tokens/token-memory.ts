/** Tokens that have been read before: an API asks about the same ones all day, and reading one costs more than its answer. */

import { RecentMap } from '../store/read-through.ts'
import type { Tenant } from '../tenants/tenant.ts'
import type { OwnToken } from './own-token.ts'

const entries = 10_000
// Larger claims are rare, and ten thousand of them would fill the memory.
const longestKept = 3_000

/** Nothing of whether a token still lives is kept here: that is asked each time. */
export interface TokenMemory {
  /** `digest` is that of the whole text: the text itself would keep the request that it came in, and be a token in memory. */
  find(tenant: Tenant, digest: string): OwnToken | undefined
  /** `characters` is how long the token or its claims are as text. */
  keep(tenant: Tenant, digest: string, token: OwnToken, characters: number): void
}

export function createTokenMemory(): TokenMemory {
  // By the tenant's edition: what keys and templates make of a token is over when they change.
  const kept = new RecentMap<{ readonly edition: number; readonly token: OwnToken }>(entries)
  return {
    find(tenant, digest) {
      const known = kept.get(digest)
      return known?.edition === tenant.edition ? known.token : undefined
    },
    keep({ edition }, digest, token, characters) {
      if (characters <= longestKept) kept.set(digest, { edition, token })
    },
  }
}
