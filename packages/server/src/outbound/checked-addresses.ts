/** The addresses of a host, if every one of them may be connected to. */

import { isIP } from 'node:net'
import type { Lookup } from './lookup.ts'
import { isPublicAddress } from './public-address.ts'
import { refuseFetch } from './refused.ts'

/** `hostname` without the brackets of an IPv6 address. */
export type FindAddresses = (hostname: string, signal: AbortSignal) => Promise<readonly string[]>

export const createAddressFinder =
  (lookup: Lookup, isAllowed: (address: string) => boolean): FindAddresses =>
  async (hostname, signal) => {
    const addresses =
      isIP(hostname) > 0 ? [hostname] : (await lookup(hostname, signal)).map(({ address }) => address)
    if (addresses.length === 0) refuseFetch('its host has no address')
    // One bad address is enough: which of them would be connected to is chance.
    if (addresses.some((address) => !isPublicAddress(address) && !isAllowed(address)))
      refuseFetch('its host has an address that is not public')
    return addresses
  }
