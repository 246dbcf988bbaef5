/** URLs that the server is to fetch from: what it would never fetch is refused when it is registered, by the same rule. */

import { fetchedMember } from '../federation/fetched-member.ts'
import { namesPrivateHost } from '../outbound/literal-host.ts'
import type { OperationDeps } from './operation.ts'
import { refuseWith } from './problem.ts'

/** By the pointer to where each stands in the body. */
export type UrlsInBody = Readonly<Record<string, string | undefined>>

/** Trust row 153. Throws `invalid_body`; nothing is looked up or fetched. */
export function checkReachable(urls: UrlsInBody, { isAllowedAddress }: OperationDeps): void {
  const misfits = Object.entries(urls).flatMap(([pointer, url]) =>
    url !== undefined && namesPrivateHost(url, isAllowedAddress) ? [{ pointer, ...misfit }] : [],
  )
  if (misfits.length > 0) refuseWith('invalid_body', { misfits })
}

const misfit = {
  found: 'a host that is not public',
  expected: 'one that is, or an address of outbound_allowed_networks in the configuration',
}

export function urlsOfIssuer(issuer: Parameters<typeof fetchedMember>[0], pointer: string): UrlsInBody {
  const member = fetchedMember(issuer)
  return member === null ? {} : { [`${pointer}/${member}`]: issuer[member] }
}
