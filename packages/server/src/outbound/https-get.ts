/** One GET over TLS to addresses that are known already: no look-up, no redirect, no proxy, no second request. */

import type { IncomingMessage } from 'node:http'
import { type RequestOptions, request } from 'node:https'
import { isIP, type LookupFunction, type TcpNetConnectOpts } from 'node:net'
import { type ConnectionOptions, createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { decodeDocument } from '@sallyport/protocol'
import { cipherSuites } from '../cipher-suites.ts'
import { Refused, refuseFetch } from './refused.ts'

export interface Target {
  readonly url: URL
  /** Without the brackets of an IPv6 address. */
  readonly hostname: string
  /** Tried in their order, and no other. */
  readonly addresses: readonly string[]
}

export interface Answer {
  readonly text: string
  readonly cacheControl: string | undefined
}

export type HttpsGet = (target: Target, signal: AbortSignal) => Promise<Answer>

const limitBytes = 65_536
// Before the next address of the host is tried as well.
const attemptMilliseconds = 1_000

/** `authorities`: PEM, beside the system's. */
export function createHttpsGet(authorities: readonly string[]): HttpsGet {
  let context: SecureContext | undefined
  // Once: reading all authorities takes 14 ms in which nobody is served.
  const secureContext = () => {
    context ??= createSecureContext({
      minVersion: 'TLSv1.2',
      ciphers: cipherSuites,
      ...(authorities.length > 0 && { ca: [...getCACertificates('default'), ...authorities] }),
    })
    return context
  }
  return async (target, signal) => {
    const message = await send(target, secureContext(), signal)
    try {
      return { text: await readBody(message), cacheControl: message.headers['cache-control'] }
    } finally {
      message.destroy()
    }
  }
}

// Node's types forget that the connection's options pass through.
type GetOptions = RequestOptions &
  Pick<ConnectionOptions, 'secureContext'> &
  Pick<TcpNetConnectOpts, 'autoSelectFamily' | 'autoSelectFamilyAttemptTimeout'>

const optionsFor = ({ url, hostname, addresses }: Target, secureContext: SecureContext): GetOptions => ({
  // The certificate must be of the name, whatever addresses it was found at.
  host: hostname,
  lookup: pinnedTo(addresses),
  autoSelectFamily: true,
  autoSelectFamilyAttemptTimeout: attemptMilliseconds,
  port: url.port === '' ? 443 : Number(url.port),
  path: url.pathname + url.search,
  headers: {
    Host: url.host,
    Accept: 'application/json',
    'Accept-Encoding': 'identity',
    'User-Agent': 'Sallyport',
  },
  // No connection is kept, no proxy of the environment used.
  agent: false,
  secureContext,
  // Even where NODE_TLS_REJECT_UNAUTHORIZED says otherwise.
  rejectUnauthorized: true,
  maxHeaderSize: 16_384,
})

function send(target: Target, secureContext: SecureContext, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ ...optionsFor(target, secureContext), signal })
    outgoing.once('response', (message) => {
      const problem = problemOfHead(message)
      if (problem === null) return resolve(message)
      message.destroy()
      reject(new Refused(problem))
    })
    // To Node, 101 is neither a response nor an error.
    outgoing.once('upgrade', ({ statusCode }, socket) => {
      socket.destroy()
      reject(new Refused(`it answers ${statusCode}`))
    })
    outgoing.on('error', reject)
    outgoing.once('close', () => reject(new Refused('its host gave no answer')))
    outgoing.end()
  })
}

const pinnedTo =
  (addresses: readonly string[]): LookupFunction =>
  (_hostname, { all }, callback) => {
    const found = addresses.map((address) => ({ address, family: isIP(address) }))
    const [first] = found
    if (all) callback(null, found)
    else callback(null, first?.address ?? '', first?.family)
  }

/** A redirect is an answer like any other that is not 200: whoever registered the URL can register the right one. */
function problemOfHead({ statusCode, headers }: IncomingMessage): string | null {
  if (statusCode !== 200) return `it answers ${statusCode}`
  const encoding = headers['content-encoding'] ?? 'identity'
  return encoding === 'identity' ? null : 'its answer is compressed'
}

async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > limitBytes) return refuseFetch(`its answer is larger than ${limitBytes} bytes`)
    chunks.push(chunk)
  }
  return decodeDocument(Buffer.concat(chunks)) ?? refuseFetch('its answer is not UTF-8')
}
