/**
 * The one place that fetches a URL which somebody registered. What is fetched cannot be a door into our own network:
 * https alone, every address of the host public, the connection made to the very addresses that were checked (no second
 * look-up, so no DNS rebinding), no redirect followed, and little time, little space, few at once.
 */

import { parseJsonObject } from '@sallyport/protocol'
import { aborted } from './aborted.ts'
import { createAddressFinder, type FindAddresses } from './checked-addresses.ts'
import { createFetchPlaces } from './fetch-places.ts'
import { createHttpsGet, type HttpsGet } from './https-get.ts'
import { createLookup, type Lookup } from './lookup.ts'
import { Refused, refuseFetch } from './refused.ts'

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
  /** After it a host counts as slow, and its fetches happen beside those of the others. */
  readonly patience?: () => AbortSignal
}

const longestUrl = 2_048
// A client whose keys cannot be had is to be refused within five seconds (trust row 67).
const deadlineMilliseconds = 4_500

export const fetchDeadline = (): AbortSignal => AbortSignal.timeout(deadlineMilliseconds)

export function createFetchJson({
  isAllowed = () => false,
  authorities = [],
  lookup = createLookup(),
  deadline = fetchDeadline,
  patience,
}: FetchOptions = {}): FetchJson {
  const places = createFetchPlaces(patience)
  const findAddresses = createAddressFinder(lookup, isAllowed)
  const get = createHttpsGet(authorities)

  return async (text) => {
    const signal = deadline()
    try {
      const url = readUrl(text)
      const leave =
        (await places.enter(url.hostname, signal)) ?? refuseFetch('too many fetches are under way')
      try {
        return await Promise.race([fetchFrom(url, signal, findAddresses, get), aborted(signal)])
      } finally {
        leave()
      }
    } catch (error) {
      return { ok: false, reason: reasonOf(error, signal) }
    }
  }
}

async function fetchFrom(
  url: URL,
  signal: AbortSignal,
  findAddresses: FindAddresses,
  get: HttpsGet,
): Promise<Fetched> {
  const hostname = url.hostname.replace(/^\[|\]$/g, '')
  const addresses = await findAddresses(hostname, signal)
  // Nobody waits any more for what was looked up too late.
  signal.throwIfAborted()
  const answer = await get({ url, hostname, addresses }, signal)
  const value = parseJsonObject(answer.text) ?? refuseFetch('its answer is no JSON object')
  return { ok: true, value, maxAgeSeconds: maxAgeOf(answer.cacheControl) }
}

// Node's code for it depends on how the handshake went; the words of OpenSSL are in each of them.
const ofOpenSsl = /^(?:EPROTO$|ERR_SSL_)/
const noCommonSuite =
  /:(?:ssl\/tls alert |sslv3 alert )?handshake failure:|protocol version:|:unsupported protocol:/

/** Codes are Node's; the messages of errors may hold what a stranger has sent. */
function reasonOf(error: unknown, { aborted: isLate }: AbortSignal): string {
  if (error instanceof Refused) return error.message
  if (isLate) return 'its host took too long'
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string'))
    return 'its host could not be asked'
  const { code, message } = error
  if (ofOpenSsl.test(code) && noCommonSuite.test(message))
    return 'its host ended the TLS handshake: it needs TLS 1.3, or TLS 1.2 with ECDHE and AES-GCM'
  return `its host could not be asked (${code})`
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
