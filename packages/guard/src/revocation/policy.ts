/**
 * What holds while revocations cannot be followed. The token was found good by what is known; whether that is enough is
 * the API's choice, made beforehand.
 */

import type { Soon } from '@sallyport/protocol'
import type { Effects } from '../effects.ts'
import { type Follower, silenceSeconds } from './follower.ts'

export interface RevocationPolicy {
  readonly whenCut: 'refuse' | 'allow'
  /** For how long nothing heard is still followed. */
  readonly afterSeconds: number
}

/**
 * Refused at last, and late: while its database is gone an issuer can revoke nothing either, and what it issues meanwhile
 * lives for minutes. See decision 0022.
 */
export const standardPolicy: RevocationPolicy = { whenCut: 'refuse', afterSeconds: 900 }

/** `none` where the API has no credentials and follows nothing. */
export type FeedStanding = 'none' | 'following' | 'cut'

export interface FeedWatch {
  readonly policy: RevocationPolicy
  standing(): FeedStanding
  /** Waits for the first snapshot, and not for long: what it holds is to be known before the first token is judged. */
  begun(): Soon<void>
  /** Whether a token that is good by all that is known may pass. */
  mayPass(): boolean
  /** Whether such tokens pass although nobody can tell whether they were revoked. */
  isPassing(): boolean
}

// Less than a request may take in all, so that what is asked after this can still be answered.
const longestFirstWaitMilliseconds = 4_000

export function watchFeed(follower: Follower | null, policy: RevocationPolicy, effects: Effects): FeedWatch {
  const standing = (): FeedStanding => {
    if (follower === null) return 'none'
    const { cutOffs, heardAt, isConnected } = follower.state
    if (cutOffs === null || heardAt === null) return 'cut'
    const silent = effects.clock() - heardAt
    // Between two heartbeats nobody is cut off, however strict the policy is.
    const patience = Math.max(policy.afterSeconds, silenceSeconds)
    return (isConnected ? silent < patience : silent <= policy.afterSeconds) ? 'following' : 'cut'
  }
  let isWaitOver = follower === null
  const first =
    follower &&
    Promise.race([follower.begun, wait(effects)]).then(() => {
      isWaitOver = true
    })
  return {
    policy,
    standing,
    begun: () => (isWaitOver || first === null ? undefined : first),
    mayPass: () => policy.whenCut === 'allow' || standing() !== 'cut',
    isPassing: () => policy.whenCut === 'allow' && standing() === 'cut',
  }
}

const wait = (effects: Effects): Promise<void> =>
  new Promise((resolve) => {
    effects.later(longestFirstWaitMilliseconds, resolve)
  })
