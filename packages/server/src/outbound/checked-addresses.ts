/** The addresses of a host, if every one of them may be connected to. */

import type { LookupAddress } from 'node:dns'
import { isIP } from 'node:net'
import { isPublicAddress } from './public-address.ts'
import { refuseFetch } from './refused.ts'
import { createTurnstile } from './turnstile.ts'

export type Lookup = (hostname: string) => Promise<readonly LookupAddress[]>

/** `hostname` without the brackets of an IPv6 address. */
export type FindAddresses = (hostname: string, signal: AbortSignal) => Promise<readonly string[]>

// The system's look-up cannot be stopped and holds a thread until its resolver gives up. Node has two threads for it,
// and one must stay free for the database's host: a registered name with a silent name server takes the other at most.
const lookupsAtOnce = 1
const lookupsWaiting = 200

export function createAddressFinder(lookup: Lookup, isAllowed: (address: string) => boolean): FindAddresses {
  const turnstile = createTurnstile(lookupsAtOnce, lookupsWaiting)

  async function lookUp(name: string, signal: AbortSignal): Promise<readonly string[]> {
    const leave = (await turnstile.enter(signal)) ?? refuseFetch('too many look-ups are under way')
    try {
      return (await lookup(name)).map(({ address }) => address)
    } finally {
      leave()
    }
  }

  return async (hostname, signal) => {
    const addresses = isIP(hostname) > 0 ? [hostname] : await lookUp(hostname, signal)
    if (addresses.length === 0) refuseFetch('its host has no address')
    // One bad address is enough: which of them would be connected to is chance.
    if (addresses.some((address) => !isPublicAddress(address) && !isAllowed(address)))
      refuseFetch('its host has an address that is not public')
    return addresses
  }
}
