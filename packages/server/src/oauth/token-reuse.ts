/**
 * Re-serving a token that is still good, with what is left of its life (document 002's `expires_in: 269`). Off by
 * default. In memory only, bounded by bytes; an entry names what it was made from, so a change of the
 * tenant, the organization, the app or a credential leaves it unreachable.
 */

import { RecentMap, type TokenFacts } from '@sallyport/protocol'

// A token under a fifth of its life is replaced, so that nobody is handed one that dies on the way.
const freshShare = 0.2
// A signed token with its claims, its key and the map's own cost.
const bytesPerEntry = 3_000

export interface IssuedToken {
  readonly accessToken: string
  readonly issuedAt: number
  readonly expiresAt: number
  /** What the claims were made from; response templates read the same. */
  readonly values: Readonly<Record<string, unknown>>
  /** What it may be revoked by; set when it is kept. */
  facts?: TokenFacts | undefined
  /** The answer as last written, which holds for one second: `expires_in` is part of it. */
  answer?: { readonly secondsLeft: number; readonly body: string }
}

export interface TokenReuse {
  /** `longestSeconds` is the most that it may have left. */
  find(key: string, now: number, longestSeconds: number): IssuedToken | undefined
  keep(key: string, token: IssuedToken): void
}

export function createTokenReuse(limitBytes: number): TokenReuse {
  const tokens = new RecentMap<IssuedToken>(limitBytes / bytesPerEntry)
  return {
    find(key, now, longestSeconds) {
      const token = tokens.get(key)
      if (token === undefined) return undefined
      const left = token.expiresAt - now
      if (left > longestSeconds) return undefined
      // A clock that was set back must not make a token live longer than it says.
      return left > freshShare * (token.expiresAt - token.issuedAt) && now >= token.issuedAt
        ? token
        : undefined
    },
    keep(key, token) {
      // Its scopes stand in the key and in the token: what is longer than the usual is signed anew each time.
      if (key.length + token.accessToken.length <= bytesPerEntry) tokens.set(key, token)
    },
  }
}
