/**
 * The one place that fetches a URL which somebody registered. What is fetched cannot be a door into our own network:
 * https alone, every address of the host public, the connection made to the very address that was checked (no second
 * look-up, so no DNS rebinding), no redirect followed, and little time, little space, few at once.
 */

import type { LookupAddress } from 'node:dns'
import { lookup as systemLookup } from 'node:dns/promises'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { isIP } from 'node:net'
import { getCACertificates } from 'node:tls'
import { parseJsonObject } from '@sallyport/protocol'
import { isPublicAddress } from './public-address.ts'
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
  readonly lookup?: (hostname: string) => Promise<readonly LookupAddress[]>
  /** Ends a fetch that takes too long, look-up included. */
  readonly deadline?: () => AbortSignal
}

const limitBytes = 65_536
const deadlineMilliseconds = 5_000
// Hosts that answer slowly must not use up the sockets of the others.
const parallel = 16
const waitingLimit = 200

class Refused extends Error {}

export function createFetchJson({
  isAllowed = () => false,
  authorities = [],
  lookup = (hostname) => systemLookup(hostname, { all: true }),
  deadline = () => AbortSignal.timeout(deadlineMilliseconds),
}: FetchOptions = {}): FetchJson {
  const turnstile = createTurnstile(parallel, waitingLimit)

  async function addressOf(hostname: string, signal: AbortSignal): Promise<string> {
    const name = hostname.replace(/^\[|\]$/g, '')
    const addresses = isIP(name) > 0 ? [name] : await resolve(name, signal)
    // One bad address is enough: which of them would be connected to is chance.
    if (addresses.some((address) => !isPublicAddress(address) && !isAllowed(address))) {
      throw new Refused('its host has an address that is not public')
    }
    return addresses[0] ?? fail('its host has no address')
  }

  async function resolve(name: string, signal: AbortSignal): Promise<readonly string[]> {
    const found = await Promise.race([lookup(name), aborted(signal)])
    return found.map(({ address }) => address)
  }

  async function fetchFrom(text: string): Promise<Fetched> {
    const url = readUrl(text)
    const signal = deadline()
    const address = await addressOf(url.hostname, signal)
    const message = await send(url, address, authorities, signal)
    try {
      const value = parseJsonObject(await readBody(message)) ?? fail('its answer is no JSON object')
      return { ok: true, value, maxAgeSeconds: maxAgeOf(message.headers['cache-control']) }
    } finally {
      message.destroy()
    }
  }

  return async (url) => {
    const leave = await turnstile.enter()
    if (leave === null) return { ok: false, reason: 'too many fetches are under way' }
    try {
      return await fetchFrom(url)
    } catch (error) {
      return { ok: false, reason: reasonOf(error) }
    } finally {
      leave()
    }
  }
}

const fail = (reason: string): never => {
  throw new Refused(reason)
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })

/** Names of errors are ours or Node's; their messages may hold what a stranger has sent. */
function reasonOf(error: unknown): string {
  if (error instanceof Refused) return error.message
  const { name, code } = error as { readonly name?: string; readonly code?: unknown }
  if (name === 'TimeoutError' || name === 'AbortError') return 'its host took too long'
  return `its host could not be asked${typeof code === 'string' ? ` (${code})` : ''}`
}

/** The parser of URLs turns decimal, octal and short spellings of addresses into the one that is checked. */
function readUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null || url.protocol !== 'https:') return fail('it is no https URL')
  if (url.username !== '' || url.password !== '' || url.hash !== '')
    return fail('it has a user or a fragment')
  return url
}

function send(
  url: URL,
  address: string,
  authorities: readonly string[],
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const isName = isIP(url.hostname.replace(/^\[|\]$/g, '')) === 0
    const outgoing = request({
      host: address,
      port: url.port === '' ? 443 : Number(url.port),
      path: url.pathname + url.search,
      // The certificate must be of the name, whatever address it was found at.
      ...(isName && { servername: url.hostname }),
      headers: {
        Host: url.host,
        Accept: 'application/json',
        'Accept-Encoding': 'identity',
        'User-Agent': 'Sallyport',
      },
      agent: false,
      minVersion: 'TLSv1.2',
      maxHeaderSize: 16_384,
      signal,
      ...(authorities.length > 0 && { ca: [...getCACertificates('default'), ...authorities] }),
    })
    outgoing.once('response', (message) => {
      const problem = problemOfHead(message)
      if (problem === null) return resolve(message)
      message.destroy()
      reject(new Refused(problem))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
}

/** A redirect is an answer like any other that is not 200: whoever registered the URL can register the right one. */
function problemOfHead({ statusCode, headers }: IncomingMessage): string | null {
  if (statusCode !== 200) return `it answers ${statusCode}`
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') return 'its answer is compressed'
  return Number(headers['content-length'] ?? 0) > limitBytes ? tooLarge : null
}

const tooLarge = `its answer is larger than ${limitBytes} bytes`

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > limitBytes) return fail(tooLarge)
    chunks.push(chunk)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
  } catch {
    return fail('its answer is not UTF-8')
  }
}

function maxAgeOf(cacheControl: string | undefined): number | null {
  const [, seconds] = /(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])/i.exec(cacheControl ?? '') ?? []
  return seconds === undefined ? null : Number(seconds)
}
