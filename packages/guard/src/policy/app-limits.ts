/**
 * The limits of apps that differ from the endpoints' own: asked for when an app first comes, known at once from then on,
 * until there is news of it. While they cannot be had, what was known last counts.
 */

import { RecentMap, type Soon } from '@sallyport/protocol'
import type { Effects } from '../effects.ts'
import type { LimitsByEndpoint } from './read-policy.ts'

export interface AppLimits {
  /** Null where nothing is known of the app and nothing can be had. */
  of(clientId: string): Soon<LimitsByEndpoint | null>
  /** What is held of the app, or of all, is to be asked again. */
  forget(clientId: string | null): void
  /** Why the last question had no answer; null after a good one. Its words repeat no secret. */
  readonly failure: Error | null
}

export interface AppLimitsOptions {
  readonly fetchLimits: (clientId: string) => Promise<LimitsByEndpoint>
  readonly clock: Effects['clock']
  readonly entries: number
}

interface Known {
  readonly limits: LimitsByEndpoint
  /** The edition in which it was asked for; of an older one it counts only where nothing newer can be had. */
  readonly edition: number
}

const mostQuestions = 8
// An issuer that does not answer costs one request its patience, and not every one.
const quietSeconds = 5
const outdated = -1

export function createAppLimits({ fetchLimits, clock, entries }: AppLimitsOptions): AppLimits {
  const kept = new RecentMap<Known>(entries)
  const flights = new Map<string, Promise<LimitsByEndpoint | null>>()
  let edition = 0
  let underWay = 0
  let quietUntil = Number.NEGATIVE_INFINITY
  let failure: Error | null = null

  function ask(clientId: string): Promise<LimitsByEndpoint | null> {
    const askedIn = edition
    underWay += 1
    const flight = fetchLimits(clientId)
      .then((limits) => {
        failure = null
        // News during the question takes it off the list: its answer is used once and not kept.
        if (flights.get(clientId) === flight) kept.set(clientId, { limits, edition: askedIn })
        return limits
      })
      .catch((error: unknown) => {
        failure = error instanceof Error ? error : new Error('unknown failure')
        quietUntil = clock() + quietSeconds
        return kept.get(clientId)?.limits ?? null
      })
      .finally(() => {
        underWay -= 1
        if (flights.get(clientId) === flight) flights.delete(clientId)
      })
    flights.set(clientId, flight)
    return flight
  }

  return {
    of(clientId) {
      const known = kept.get(clientId)
      if (known?.edition === edition) return known.limits
      const mayAsk = underWay < mostQuestions && clock() >= quietUntil
      return flights.get(clientId) ?? (mayAsk ? ask(clientId) : (known?.limits ?? null))
    },
    forget(clientId) {
      if (clientId === null) {
        edition += 1
        flights.clear()
        return
      }
      flights.delete(clientId)
      const known = kept.get(clientId)
      if (known !== undefined) kept.set(clientId, { ...known, edition: outdated })
    },
    get failure() {
      return failure
    },
  }
}
