/** The token in use: asked for once whoever waits, renewed while it still serves, dropped when an API refuses it. */

import type { Effects } from './effects.ts'
import { type AccessToken, isExpired, type KeptToken, keepToken } from './token.ts'

export interface Taken {
  readonly token: AccessToken
  /** Asked for just now, so that no API has seen it before. */
  readonly isFresh: boolean
}

export interface TokenCache {
  take(): Promise<Taken>
  /** An API has answered 401. True if another token may do better; the refused one is dropped then. */
  refused(taken: Taken): boolean
  /** Drops what is kept, or only this one; says which it was. */
  forget(accessToken?: string): AccessToken | undefined
}

export interface TokenCacheParts {
  readonly effects: Pick<Effects, 'clock' | 'random'>
  readonly obtain: () => Promise<AccessToken>
  readonly onRenewalFailed: (error: unknown) => void
}

/** Where an API refuses even fresh tokens, asking for more of them helps nobody. */
const distrustSeconds = 10

export function createTokenCache({ effects, obtain, onRenewalFailed }: TokenCacheParts): TokenCache {
  let kept: KeptToken | undefined
  let underWay: Promise<AccessToken> | undefined
  let [triedAt, nextRenewalAt] = [0, 0]
  let distrustedAt = Number.NEGATIVE_INFINITY

  function renew(): Promise<AccessToken> {
    underWay ??= begin()
    return underWay
  }

  function begin(): Promise<AccessToken> {
    const mine: Promise<AccessToken> = obtain()
      .then((token) => {
        // Forgotten meanwhile: those who wait for it get it, nobody after them.
        if (underWay === mine) keep(token)
        return token
      })
      .catch((error: unknown) => {
        if (isStillGood(kept)) onRenewalFailed(error)
        throw error
      })
      .finally(() => {
        if (underWay === mine) underWay = undefined
      })
    return mine
  }

  function keep(token: AccessToken): void {
    kept = keepToken(token, effects.clock(), effects.random)
    nextRenewalAt = 0
  }

  const isStillGood = (one: KeptToken | undefined): one is KeptToken =>
    one !== undefined && one === kept && !isExpired(one.token, effects.clock())

  /** After a failure a quarter of what is left passes before the next attempt. */
  function renewBesideUse(now: number, { usableUntil }: KeptToken): void {
    // A clock that was set back would else hold renewal up until it has caught up.
    if (underWay || (now >= triedAt && now < nextRenewalAt)) return
    triedAt = now
    nextRenewalAt = now + Math.max(1, (usableUntil - now) / 4)
    renew().catch(() => {})
  }

  async function takeNew(before: KeptToken | undefined): Promise<Taken> {
    try {
      return { token: await renew(), isFresh: true }
    } catch (error) {
      // In its last seconds a token may come too late, which is better than no token.
      if (isStillGood(before)) return { token: before.token, isFresh: false }
      throw error
    }
  }

  return {
    async take() {
      const now = effects.clock()
      if (!kept || now >= kept.usableUntil) return takeNew(kept)
      const { token } = kept
      if (now >= kept.renewFrom) renewBesideUse(now, kept)
      return { token, isFresh: false }
    },
    refused({ token, isFresh }) {
      const now = effects.clock()
      if (isFresh) distrustedAt = now
      if (now >= distrustedAt && now < distrustedAt + distrustSeconds) return false
      if (kept?.token === token) kept = undefined
      return true
    },
    forget(accessToken) {
      const token = kept?.token
      if (accessToken !== undefined && token?.accessToken !== accessToken) return undefined
      kept = undefined
      // Of a token that somebody else saw refused the successor may be on its way; a caller who wants all gone, wants that.
      if (accessToken === undefined) [underWay, distrustedAt] = [undefined, Number.NEGATIVE_INFINITY]
      return token
    },
  }
}
