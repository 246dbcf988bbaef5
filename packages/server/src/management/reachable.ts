/** URLs that the server is to fetch from: what it would never fetch is refused when it is registered, by the same rule. */

import { fetchedMember } from '../federation/fetched-member.ts'
import type { OperationDeps } from './operation.ts'
import { refuseWith } from './problem.ts'

/** By the pointer to where each stands in the body. */
export type UrlsInBody = Readonly<Record<string, string | undefined>>

const urlsIn = (urls: UrlsInBody): readonly string[] => Object.values(urls).filter((url) => url !== undefined)

/** Before the transaction, because names are looked up. What stands there already may stay, whatever DNS says of it today. */
export async function findGood(
  urls: UrlsInBody,
  { findReachable }: OperationDeps,
  before: UrlsInBody = {},
): Promise<ReadonlySet<string>> {
  const known = new Set(urlsIn(before))
  const reachable = await findReachable(urlsIn(urls).filter((url) => !known.has(url)))
  return reachable.union(known)
}

/** Trust row 153. Throws `invalid_body` for what is not among the good ones; nothing is fetched. */
export function checkReachable(urls: UrlsInBody, good: ReadonlySet<string>): void {
  const misfits = Object.entries(urls).flatMap(([pointer, url]) =>
    url !== undefined && !good.has(url) ? [{ pointer, ...misfit }] : [],
  )
  if (misfits.length > 0) refuseWith('invalid_body', { misfits })
}

const misfit = {
  found: 'a host that is not public, or not in DNS',
  expected: 'one that is both, or an address of outbound_allowed_networks in the configuration',
}

export function urlsOfIssuer(issuer: Parameters<typeof fetchedMember>[0], pointer: string): UrlsInBody {
  const member = fetchedMember(issuer)
  return member === null ? {} : { [`${pointer}/${member}`]: issuer[member] }
}
