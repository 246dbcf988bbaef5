/**
 * Where fetches happen: at few places, of which one host has two at most, and those hosts that have lately let us wait
 * have a few of their own. So whoever registers hosts that never answer slows down nobody else's.
 */

import { RecentMap } from '@sallyport/protocol'
import { createTurnstile, createTurnstiles, enterAll } from './turnstile.ts'

export interface FetchPlaces {
  /**
   * What to call once when the fetch is over, or nobody waits for it any more; null for whoever is turned away, or has waited
   * until the signal.
   */
  enter(host: string, signal: AbortSignal): Promise<(() => void) | null>
}

const places = 16
const waitingLimit = 200
const slowPlaces = 4
const slowWaitingLimit = 50
const placesOfHost = 2
const waitingForHost = 20
const slowHostsKept = 2_000
const patienceMilliseconds = 1_000

/** After `patience` a host counts as slow, until one of its fetches is over sooner. */
export function createFetchPlaces(patience = () => AbortSignal.timeout(patienceMilliseconds)): FetchPlaces {
  const all = createTurnstile(places, waitingLimit)
  const ofSlow = createTurnstile(slowPlaces, slowWaitingLimit)
  const ofHosts = createTurnstiles(placesOfHost, waitingForHost)
  const slowHosts = new RecentMap<true>(slowHostsKept)

  return {
    async enter(host, signal) {
      const gates = [
        (until: AbortSignal) => ofHosts.enter(host, until),
        (until: AbortSignal) => (slowHosts.get(host) ? ofSlow : all).enter(until),
      ]
      const leave = await enterAll(gates, signal)
      if (leave === null) return null
      const tooLong = patience()
      return () => {
        if (tooLong.aborted) slowHosts.set(host, true)
        // Whoever was cut off sooner had spent the time on waiting for a place, which is not the fault of the host.
        else if (!signal.aborted) slowHosts.delete(host)
        leave()
      }
    },
  }
}
