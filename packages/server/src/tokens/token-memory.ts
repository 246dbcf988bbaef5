/** Tokens that have been read before: an API asks about the same ones all day, and reading one costs more than its answer. */

import { RecentTexts } from '@sallyport/protocol'
import type { Tenant } from '../tenants/tenant.ts'
import type { OwnToken } from './own-token.ts'

const entries = 10_000
// Larger claims are rare, and ten thousand of them would fill the memory.
const longestKept = 3_000

/** Nothing of whether a token still lives is kept here: that is asked each time. */
export interface TokenMemory {
  find(tenant: Tenant, text: string): OwnToken | undefined
  /** `characters` is how long the token or its claims are as text. */
  keep(tenant: Tenant, text: string, token: OwnToken, characters: number): void
}

export function createTokenMemory(): TokenMemory {
  // By the tenant's edition: what keys and templates make of a token is over when they change.
  const kept = new RecentTexts<{ readonly edition: number; readonly token: OwnToken }>(entries)
  return {
    find(tenant, text) {
      const known = kept.get(text)
      return known?.edition === tenant.edition ? known.token : undefined
    },
    keep({ edition }, text, token, characters) {
      if (characters <= longestKept) kept.set(text, { edition, token })
    },
  }
}
