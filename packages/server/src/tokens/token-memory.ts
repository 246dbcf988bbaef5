/** Tokens that have been read before: an API asks about the same ones all day, and reading one costs more than its answer. */

import { RecentMap } from '../store/read-through.ts'
import type { Tenant } from '../tenants/tenant.ts'
import type { OwnToken } from './own-token.ts'

const entries = 10_000

/** Nothing of whether a token still lives is kept here: that is asked each time. */
export interface TokenMemory {
  find(tenant: Tenant, key: string): OwnToken | undefined
  keep(tenant: Tenant, key: string, token: OwnToken): void
}

export function createTokenMemory(): TokenMemory {
  // By the tenant's edition: what keys and templates make of a token is over when they change.
  const kept = new RecentMap<{ readonly edition: number; readonly token: OwnToken }>(entries)
  return {
    find(tenant, key) {
      const known = kept.get(key)
      return known?.edition === tenant.edition ? known.token : undefined
    },
    keep: ({ edition }, key, token) => kept.set(key, { edition, token }),
  }
}
