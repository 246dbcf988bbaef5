/**
 * The one place that fetches a URL which somebody registered. What is fetched cannot be a door into our own network:
 * https alone, every address of the host public, the connection made to the very addresses that were checked (no second
 * look-up, so no DNS rebinding), no redirect followed, and little time, little space, few at once.
 */

import { lookup as systemLookup } from 'node:dns/promises'
import { parseJsonObject } from '@sallyport/protocol'
import { createAddressFinder, type FindAddresses, type Lookup } from './checked-addresses.ts'
import { createHttpsGet, type HttpsGet } from './https-get.ts'
import { Refused, refuseFetch } from './refused.ts'
import { createTurnstile } from './turnstile.ts'

export type Fetched =
  | {
      readonly ok: true
      readonly value: Readonly<Record<string, unknown>>
      /** RFC 9111 §5.2.2.1; null where the answer does not say. */
      readonly maxAgeSeconds: number | null
    }
  /** Why not, for the log: nothing of the answer is in it. */
  | { readonly ok: false; readonly reason: string }

export type FetchJson = (url: string) => Promise<Fetched>

export interface FetchOptions {
  /** Networks of one's own that may be asked although they are not public. */
  readonly isAllowed?: (address: string) => boolean
  /** PEM of authorities beside the system's. */
  readonly authorities?: readonly string[]
  readonly lookup?: Lookup
  /** Ends a fetch that takes too long, its wait for a place included. */
  readonly deadline?: () => AbortSignal
}

const longestUrl = 2_048
// A client whose keys cannot be had is to be refused within five seconds (trust row 67).
const deadlineMilliseconds = 4_500
// Hosts that answer slowly must not use up the sockets of the others.
const parallel = 16
const waitingLimit = 200

export function createFetchJson({
  isAllowed = () => false,
  authorities = [],
  lookup = (hostname) => systemLookup(hostname, { all: true }),
  deadline = () => AbortSignal.timeout(deadlineMilliseconds),
}: FetchOptions = {}): FetchJson {
  const turnstile = createTurnstile(parallel, waitingLimit)
  const findAddresses = createAddressFinder(lookup, isAllowed)
  const get = createHttpsGet(authorities)

  return async (url) => {
    const signal = deadline()
    const leave = await turnstile.enter(signal)
    if (leave === null) return { ok: false, reason: 'too many fetches are under way' }
    try {
      return await Promise.race([fetchFrom(url, signal, findAddresses, get), aborted(signal)])
    } catch (error) {
      return { ok: false, reason: signal.aborted ? 'its host took too long' : reasonOf(error) }
    } finally {
      leave()
    }
  }
}

async function fetchFrom(
  text: string,
  signal: AbortSignal,
  findAddresses: FindAddresses,
  get: HttpsGet,
): Promise<Fetched> {
  const url = readUrl(text)
  const hostname = url.hostname.replace(/^\[|\]$/g, '')
  const addresses = await findAddresses(hostname, signal)
  // Nobody waits any more for what was looked up too late.
  signal.throwIfAborted()
  const answer = await get({ url, hostname, addresses }, signal)
  const value = parseJsonObject(answer.text) ?? refuseFetch('its answer is no JSON object')
  return { ok: true, value, maxAgeSeconds: maxAgeOf(answer.cacheControl) }
}

/** Whatever still hangs at the deadline, nobody waits for it. */
const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

/** Codes are Node's; the messages of errors may hold what a stranger has sent. */
function reasonOf(error: unknown): string {
  if (error instanceof Refused) return error.message
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return `its host could not be asked${typeof code === 'string' ? ` (${code})` : ''}`
}

/**
 * The parser of URLs turns decimal, octal and short spellings of addresses into the one that is checked. Any port will
 * do: key servers live on 8443 as well, and nothing answers but what holds a certificate of the name and speaks HTTP.
 */
function readUrl(text: string): URL {
  if (text.length > longestUrl) return refuseFetch(`it is longer than ${longestUrl} characters`)
  const url = URL.parse(text)
  if (url === null || url.protocol !== 'https:') return refuseFetch('it is no https URL')
  if (url.username !== '' || url.password !== '' || url.hash !== '')
    return refuseFetch('it has a user or a fragment')
  return url
}

function maxAgeOf(cacheControl: string | undefined): number | null {
  const [, seconds] = /(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])/i.exec(cacheControl ?? '') ?? []
  return seconds === undefined ? null : Number(seconds)
}
