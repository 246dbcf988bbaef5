/** Opaque tokens: a random text that means nothing without the store, which holds its digest and what it says. */

import { hash } from 'node:crypto'
import { formatOpaqueToken, parseOpaqueToken, type Soon, whenKnown } from '@sallyport/protocol'
import type { Effects } from '../effects.ts'
import type { Database, OpaqueTokenRow } from '../store/database.ts'
import { createGroupCommit } from '../store/group-commit.ts'
import { findOpaqueToken, partitionOf } from '../store/opaque-tokens.ts'
import type { Tenant } from '../tenants/tenant.ts'
import { type Claims, type OwnToken, ownToken } from './own-token.ts'
import { createTokenMemory } from './token-memory.ts'

export interface NewOpaqueToken {
  readonly tenantId: string
  readonly apiId: string
  readonly claims: Claims
  /** Epoch seconds. */
  readonly issuedAt: number
  /** Null for a token without end. */
  readonly expiresAt: number | null
}

export interface OpaqueTokens {
  /** The token's text, once what it says is on the disk. Throws `StoreUnavailable` where it cannot be. */
  issue(token: NewOpaqueToken): Promise<string>
  /** Null for whatever is none of this tenant's. Throws `StoreUnavailable` where nobody can know. */
  find(tenant: Tenant, text: string): Soon<OwnToken | null>
}

const tokenBytes = 32
// Six bound values each on PostgreSQL.
const tokensPerTransaction = 500

export interface OpaqueTokensDeps {
  readonly db: Database
  readonly effects: Pick<Effects, 'clock' | 'random'>
}

export function createOpaqueTokens({ db, effects: { clock, random } }: OpaqueTokensDeps): OpaqueTokens {
  const insert = createGroupCommit<OpaqueTokenRow, undefined>({
    entriesPerTransaction: tokensPerTransaction,
    async write(rows) {
      await db.insertOpaqueTokens(rows)
      return []
    },
  })
  const memory = createTokenMemory()
  return {
    async issue({ tenantId, apiId, claims, issuedAt, expiresAt }) {
      const partition = partitionOf(issuedAt, expiresAt)
      const text = formatOpaqueToken({ kind: 'access', partition: partition.id }, random(tokenBytes))
      const said = { tenantId, apiId, claims: JSON.stringify(claims) }
      await insert({ partition, digest: digestOf(text), kind: 'access', family: null, ...said })
      return text
    },
    find(tenant, text) {
      const parts = parseOpaqueToken(text)
      if (parts?.kind !== 'access') return null
      const known = memory.find(tenant, text)
      if (known !== undefined) return known
      const digest = digestOf(text)
      return whenKnown(findOpaqueToken(db, parts.partition, digest, clock()), (kept) => {
        if (kept === null || kept.tenantId !== tenant.id) return null
        const claims = JSON.parse(kept.claims) as Claims
        const token = ownToken(tenant, claims, { format: 'opaque', digest, apiId: kept.apiId })
        if (token !== null) memory.keep(tenant, text, token, kept.claims.length)
        return token
      })
    },
  }
}

/** 256 random bits need no slower hash: nobody guesses them. */
const digestOf = (text: string): string => hash('sha256', text, 'base64url')
