/**
 * The endpoints of an API as its issuer declares them. The last good table is kept while the issuer cannot be asked, or
 * says what nobody can keep to.
 */

import type { Soon } from '@sallyport/protocol'
import type { Effects } from '../effects.ts'
import { type ApiPolicy, readApiPolicy } from './read-policy.ts'

export interface IssuerTable {
  /** Null until the first answer. */
  readonly policy: ApiPolicy | null
  /** Epoch seconds; null before the first answer. */
  readonly fetchedAt: number | null
  /** Why the last attempt failed; its words repeat no secret. */
  readonly failure: Error | null
  /** Waits for the first attempt, and for no other. */
  known(): Soon<ApiPolicy | null>
  /** Asks again. */
  refresh(): void
  close(): void
}

export interface IssuerTableOptions {
  readonly audience: string
  readonly fetchPolicy: () => Promise<unknown>
  readonly effects: Pick<Effects, 'clock' | 'later'>
}

const shortestPauseMilliseconds = 1_000
const longestPauseMilliseconds = 30_000

export function createIssuerTable({ audience, fetchPolicy, effects }: IssuerTableOptions): IssuerTable {
  let policy: ApiPolicy | null = null
  let fetchedAt: number | null = null
  let failure: Error | null = null
  let flight = null as Promise<void> | null
  let isAskedAgain = false
  let failures = 0
  let cancel = (): void => {}
  let isClosed = false

  async function fetchOnce(): Promise<void> {
    try {
      policy = readApiPolicy(await fetchPolicy(), audience)
      fetchedAt = effects.clock()
      failure = null
      failures = 0
    } catch (error) {
      failure = error instanceof Error ? error : new Error('unknown failure')
      failures += 1
    }
  }
  /** What was on its way when there was news may be older than the news. */
  async function fetchUntilNew(): Promise<void> {
    do {
      isAskedAgain = false
      await fetchOnce()
    } while (isAskedAgain && !isClosed)
    flight = null
    if (failure !== null && !isClosed) cancel = effects.later(pauseAfter(failures), refresh)
  }
  function refresh(): void {
    cancel()
    if (flight === null) flight = fetchUntilNew()
    else isAskedAgain = true
  }
  refresh()
  let first: Promise<void> | null = flight
  void first?.then(() => {
    first = null
  })
  return {
    get policy() {
      return policy
    },
    get fetchedAt() {
      return fetchedAt
    },
    get failure() {
      return failure
    },
    known: () => policy ?? first?.then(() => policy) ?? null,
    refresh,
    close() {
      isClosed = true
      cancel()
    },
  }
}

const pauseAfter = (failures: number): number =>
  Math.min(longestPauseMilliseconds, shortestPauseMilliseconds * 2 ** (failures - 1))
