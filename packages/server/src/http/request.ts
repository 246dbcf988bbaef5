/** Turns one message of node:http into an `HttpRequest`, or into the refusal that it deserves. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Reply } from '@sallyport/protocol'
import type { AddressList } from './address-list.ts'
import { readBody } from './body.ts'
import type { CertificateSource, ClientCertificate } from './client-certificate.ts'
import type { HttpRequest } from './exchange.ts'
import type { RequestMessage } from './request-message.ts'
import {
  directTransport,
  forwardedTransport,
  type Peer,
  parseHost,
  parseTarget,
  type RepeatedHeaders,
  readRepeatedHeaders,
  type Target,
  type Transport,
} from './transport.ts'
import { badHost, badTarget, codingUnknown } from './transport-error.ts'

/** A class because it is made for each request: one shape, and nothing is computed before it is asked for. */
export class IncomingRequest implements HttpRequest {
  readonly id: string
  readonly method: string
  readonly host: string
  readonly path: string
  readonly query: string
  readonly authorization: readonly string[]
  readonly dpop: readonly string[]
  readonly repeatsContentType: boolean
  readonly secure: boolean
  readonly clientAddress: string
  readonly #message: RequestMessage
  readonly #context: RequestContext
  #body: Promise<Buffer> | undefined

  constructor(
    message: RequestMessage,
    target: Target,
    transport: Transport,
    { authorization, dpop, repeatsContentType }: RepeatedHeaders,
    id: string,
    context: RequestContext,
  ) {
    this.id = id
    this.method = message.method ?? 'GET'
    this.host = transport.host
    this.path = target.path
    this.query = target.query
    this.authorization = authorization
    this.dpop = dpop
    this.repeatsContentType = repeatsContentType
    this.secure = transport.secure
    this.clientAddress = transport.clientAddress
    this.#message = message
    this.#context = context
  }

  get headers(): IncomingHttpHeaders {
    return this.#message.headers
  }

  clientCertificate(): ClientCertificate {
    return this.#context.certificates.find(this.#message, this.#context.peer)
  }

  readBody(limitBytes: number): Promise<Buffer> {
    this.#body ??= readBody(this.#message, limitBytes)
    return this.#body
  }
}

export interface RequestContext {
  readonly peer: Peer
  readonly proxies: AddressList
  readonly certificates: CertificateSource
  readonly uuid: () => string
}

export type ReadRequest =
  | { readonly request: IncomingRequest; readonly id: string; readonly refusal?: undefined }
  | { readonly request?: undefined; readonly id: string; readonly refusal: Reply }

export function readRequest(message: RequestMessage, context: RequestContext): ReadRequest {
  const { peer, proxies, uuid } = context
  const target = parseTarget(message.url ?? '')
  if (target === undefined) return { id: uuid(), refusal: badTarget }
  const repeated = readRepeatedHeaders(message)
  const hostLine = repeated.host
  const host = readHost(target.host ?? hostLine, hostLine, message.httpVersion)
  if (host === undefined) return { id: uuid(), refusal: badHost }
  const transport = peer.isListedProxy
    ? forwardedTransport(peer, host, message.headers, proxies)
    : directTransport(peer, host)
  if (transport === undefined) return { id: uuid(), refusal: badHost }
  // RFC 9112 §6.1: Node's parser looks at the last coding alone, and would hand on what the others have made of the body.
  const coding = message.headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    return { id: uuid(), refusal: codingUnknown }
  const id = transport.inboundId ?? uuid()
  return { id, request: new IncomingRequest(message, target, transport, repeated, id, context) }
}

/** RFC 9112 §3.2: HTTP/1.1 needs exactly one Host, and a valid one, even where the target names a host itself. */
function readHost(
  named: string | null | undefined,
  line: string | null | undefined,
  version: string,
): string | undefined {
  if (line === null || named === null) return undefined
  if (line === undefined && version !== '1.0') return undefined
  return named === undefined || named === '' ? '' : parseHost(named)
}
