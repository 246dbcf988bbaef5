/** One request and one reply as the product sees them: transport settled, nothing of Node's sockets left to know. */
import type { IncomingHttpHeaders } from 'node:http'
import type { Reply } from '@sallyport/protocol'
import type { ClientCertificate } from './client-certificate.ts'

/** One request: transport facts resolved, body not yet read. */
export interface HttpRequest {
  /** The error id that clients see and the log holds. An inbound one is believed only from a listed proxy. */
  readonly id: string
  readonly method: string
  /** Lower-case `host[:port]` as asked; `X-Forwarded-Host` only from a listed proxy. */
  readonly host: string
  /** Raw, not decoded, without the query. */
  readonly path: string
  /** Raw, without `?`; empty when there is none. */
  readonly query: string
  readonly headers: IncomingHttpHeaders
  /** Every `Authorization` header: Node's own `headers` silently drops the second. */
  readonly authorization: readonly string[]
  /** Every `DPoP` header (RFC 9449 §4.3: there may be one). */
  readonly dpop: readonly string[]
  /** Two lines of it, of which nobody knows which counts. */
  readonly repeatsContentType: boolean
  /** TLS ended here, or a listed proxy says that it ended there. */
  readonly secure: boolean
  /** The peer, or who a listed proxy says it speaks for. */
  readonly clientAddress: string
  /** What the client has shown of itself below HTTP; read when it is asked for. */
  clientCertificate(): ClientCertificate
  /** Throws `BodyTooLarge` or `BodyAborted`; empty where the request has no content. */
  readBody(limitBytes: number): Promise<Buffer>
}

export type Handler = (request: HttpRequest) => Promise<Reply> | Reply

/** RFC 9110 §15.5.14: the listener answers it with 413 and closes. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge'
}

/** The client left before its body was complete; nobody is there to answer. */
export class BodyAborted extends Error {
  override readonly name = 'BodyAborted'
}
