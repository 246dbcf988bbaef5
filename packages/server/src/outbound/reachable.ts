/**
 * Which URLs could be fetched from as DNS stands now: what never could is refused when it is registered. The fetcher looks
 * again each time, since a name can lead elsewhere tomorrow.
 */

import { aborted } from './aborted.ts'
import { createAddressFinder } from './checked-addresses.ts'
import { fetchDeadline } from './fetch-json.ts'
import { createFetchPlaces } from './fetch-places.ts'
import { namesPrivateHost } from './literal-host.ts'
import { createLookup, type Lookup } from './lookup.ts'
import { createTurnstile } from './turnstile.ts'

// One body names a hundred hosts: some calls with silent ones would turn everybody else's away.
const looksOfCall = 4

/**
 * Those whose hosts have addresses, and none but public and allowed ones. Why another has not is never told: who could tell
 * a private name from one that nobody has could map the network behind us.
 */
export type FindReachable = (urls: readonly string[]) => Promise<ReadonlySet<string>>

export interface ReachableOptions {
  readonly isAllowed?: ((address: string) => boolean) | undefined
  readonly lookup?: Lookup | undefined
  /** Ends all looks of one call. */
  readonly deadline?: () => AbortSignal
}

export function createReachable({
  isAllowed = () => false,
  lookup = createLookup(),
  deadline = fetchDeadline,
}: ReachableOptions = {}): FindReachable {
  // Not those of the fetches: whoever registers names of silent servers slows down no token request.
  const places = createFetchPlaces()
  const findAddresses = createAddressFinder(lookup, isAllowed)

  async function hasGoodAddresses(hostname: string, signal: AbortSignal): Promise<boolean> {
    const leave = await places.enter(hostname, signal)
    if (leave === null) return false
    try {
      await Promise.race([findAddresses(hostname, signal), aborted(signal)])
      return true
    } catch {
      return false
    } finally {
      leave()
    }
  }

  return async (urls) => {
    const hosts = new Map(urls.map((url) => [url, hostOf(url, isAllowed)] as const))
    const names = new Set([...hosts.values()].filter((name) => name !== null))
    if (names.size === 0) return new Set()
    const signal = deadline()
    const ownPlaces = createTurnstile(looksOfCall, names.size)
    const looked = await Promise.all(
      [...names].map(async (name) => {
        const leave = await ownPlaces.enter(signal)
        const isGood = leave !== null && (await hasGoodAddresses(name, signal))
        leave?.()
        return isGood ? [name] : []
      }),
    )
    const good = new Set<string | null>(looked.flat())
    return new Set(urls.filter((url) => good.has(hosts.get(url) ?? null)))
  }
}

/** Null where there is nothing to look for. */
function hostOf(text: string, isAllowed: (address: string) => boolean): string | null {
  const url = URL.parse(text)
  if (url === null || url.hostname === '' || namesPrivateHost(text, isAllowed)) return null
  return url.hostname.replace(/^\[|\]$/g, '')
}
