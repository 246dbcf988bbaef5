/** What a URL says of its host without a look-up: an address of a private network, or this machine, is refused at once. */

import { isIP } from 'node:net'
import { isPublicAddress } from './public-address.ts'

export type IsAllowedAddress = (address: string) => boolean

/**
 * Whether the fetcher would refuse it for what is written there. A name may still turn out to have such an address: the
 * fetcher looks each time.
 */
export function namesPrivateHost(text: string, isAllowed: IsAllowedAddress): boolean {
  const url = URL.parse(text)
  if (url === null) return false
  // The parser has turned decimal, octal and short spellings into the usual one.
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '')
  if (host === 'localhost' || host.endsWith('.localhost')) return !isAllowed('127.0.0.1')
  return isIP(host) > 0 && !isPublicAddress(host) && !isAllowed(host)
}
