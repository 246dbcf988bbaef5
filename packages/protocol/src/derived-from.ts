/**
 * The claim that says what a token was made from: with whatever ends one of these it ends too, also at an API that only
 * knows the revocations. The same words in every dialect.
 */

import type { TokenFacts } from './cut-offs.ts'
import { membersOf } from './json-document.ts'

export const derivedFromClaim = 'derived_from'

/** One of the tokens that a token was made from. */
export interface SourceFacts extends TokenFacts {
  /**
   * The API that it was for, and what it opened there: no detour over another brings back more. An API keeps its id when
   * its audience changes.
   */
  readonly apiId?: string | undefined
  readonly scope?: string | undefined
}

const members = {
  clientId: 'client_id',
  credentialId: 'cred',
  organizationId: 'org_id',
  userId: 'sub',
  tokenId: 'jti',
  keyId: 'kid',
  issuedAt: 'iat',
  apiId: 'api',
  scope: 'scope',
} as const satisfies Partial<Record<keyof SourceFacts, string>>

const names = Object.entries(members) as readonly (readonly [keyof typeof members, string])[]

export const writeDerivedFrom = (madeFrom: readonly SourceFacts[]): readonly Record<string, unknown>[] =>
  madeFrom.map((facts) =>
    Object.fromEntries(
      names.flatMap(([fact, name]) => (facts[fact] === undefined ? [] : [[name, facts[fact]] as const])),
    ),
  )

/** Of a token whose signature is ours. */
export function readDerivedFrom(claim: unknown): readonly SourceFacts[] | undefined {
  if (!Array.isArray(claim)) return undefined
  return claim.map((source: unknown) => {
    const one = membersOf(source)
    const text = (fact: keyof typeof members): string | undefined => {
      const value = one[members[fact]]
      return typeof value === 'string' ? value : undefined
    }
    return {
      issuedAt: typeof one.iat === 'number' ? one.iat : undefined,
      clientId: text('clientId'),
      credentialId: text('credentialId'),
      organizationId: text('organizationId'),
      userId: text('userId'),
      tokenId: text('tokenId'),
      keyId: text('keyId'),
      apiId: text('apiId'),
      scope: text('scope'),
    }
  })
}
