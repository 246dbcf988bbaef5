/**
 * A listener over node:http or node:https: limits, one error boundary, and one write a reply. It knows no route;
 * what a request means is for the handler it was given.
 */
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Server as TlsServer } from 'node:tls'
import { neverCached, type Reply } from '@sallyport/protocol'
import type { Effects } from '../effects.ts'
import { type AddressList, canonicalAddress, parseAddressList } from './address-list.ts'
import { hasBody } from './body.ts'
import { type CertificateSource, noCertificates } from './client-certificate.ts'
import { type ContinuedAnswers, createContinuedAnswers } from './continued-answers.ts'
import { BodyAborted, BodyTooLarge, type Handler } from './exchange.ts'
import { handshakeOptions, secureContextOptions } from './handshake.ts'
import { lingerAfter, refuseConnection, type SocketLike } from './linger.ts'
import { bindAll } from './listen.ts'
import { type IncomingRequest, readRequest } from './request.ts'
import { RequestMessage } from './request-message.ts'
import type { TlsPair } from './tls.ts'
import type { Peer } from './transport.ts'
import {
  bodyTooLarge,
  expectationFailed,
  replyToParserError,
  serverError,
  tunnelRefused,
} from './transport-error.ts'

export interface ListenerLimits {
  readonly headerBytes: number
  /** A request whose headers and body are not here after this is answered 408. */
  readonly receiveMilliseconds: number
  readonly checkIntervalMilliseconds: number
  readonly keepAliveMilliseconds: number
  /** How much, and how long, we read on after an answer given early, so that the client gets to see it. */
  readonly lingerBytes: number
  readonly lingerMilliseconds: number
  /** How long a client of an answer that goes on may take nothing of what waits for it. */
  readonly unreadMilliseconds: number
}

const defaultLimits: ListenerLimits = {
  headerBytes: 16_384,
  receiveMilliseconds: 10_000,
  checkIntervalMilliseconds: 1000,
  // Longer than the 60 s of common load balancers, so that they and not we close an idle connection.
  keepAliveMilliseconds: 65_000,
  lingerBytes: 1_048_576,
  lingerMilliseconds: 1000,
  unreadMilliseconds: 60_000,
}

/** Who hears of a failure that no client may see. */
export interface FailureLog {
  failure(requestId: string, error: unknown): void
}

export interface ListenerOptions {
  readonly handler: Handler
  readonly tls: TlsPair | null
  /** Peers whose forwarding headers are believed; empty when we are met directly. */
  readonly proxies?: AddressList
  /** Answers what came without TLS; left out, the handler gets that as well. */
  readonly plainHandler?: Handler
  readonly limits?: Partial<ListenerLimits>
  /** Where client certificates come from; left out, there are none. */
  readonly certificates?: CertificateSource
  readonly effects: Pick<Effects, 'clock' | 'uuid'>
  readonly log: FailureLog
}

export interface Listener {
  /** Binds every host on one port (0 lets the system choose) and returns it. Throws `ListenRefused`. */
  listen(address: { readonly hosts: readonly string[]; readonly port: number }): Promise<number>
  /** New connections get the new certificate; open ones keep theirs. */
  replaceTls(pair: TlsPair): void
  /** From here on every reply ends its connection. */
  startDraining(): void
  /** Takes no new connection; idle ones stay until `closeIdle`. Resolves when the last connection is gone. */
  stopAccepting(): Promise<void>
  closeIdle(): void
  closeAll(): void
}

interface Connection extends Peer {
  latest: { readonly message: IncomingMessage; readonly response: ServerResponse } | undefined
  isRefused: boolean
}

const noProxies = parseAddressList([])

/** Every token comes with these, so they are laid flat once. */
const neverCachedLines: readonly string[] = Object.entries(neverCached).flat()

export function createListener(options: ListenerOptions): Listener {
  const edge = new Edge(options)
  const servers: Server[] = []
  return {
    listen: ({ hosts, port }) => bindAll({ hosts, port, servers, create: () => edge.createServer() }),
    replaceTls(pair) {
      for (const server of servers)
        (server as Server & Partial<TlsServer>).setSecureContext?.(
          secureContextOptions(pair, options.certificates),
        )
    },
    startDraining: () => edge.startDraining(),
    async stopAccepting() {
      await Promise.all(servers.map(closeToNewConnections))
    },
    closeIdle() {
      for (const server of servers) server.closeIdleConnections()
      edge.closeSilent()
    },
    closeAll() {
      for (const server of servers) server.closeAllConnections()
    },
  }
}

/**
 * `close()` of node:http also cuts idle keep-alive connections, at the very moment a client may be writing on one.
 * Leaving those to `closeIdle` is what makes a drain lose nothing.
 */
function closeToNewConnections(server: Server): Promise<void> {
  const closeIdle = server.closeIdleConnections
  server.closeIdleConnections = () => {}
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections = closeIdle
  return closed
}

/** What all servers of one listener share: the handlers, the limits, and what is known of each connection. */
class Edge {
  readonly #options: ListenerOptions
  readonly #limits: ListenerLimits
  readonly #proxies: AddressList
  readonly #connections = new WeakMap<SocketLike, Connection>()
  /** Open sockets on which no request has arrived yet: Node 24 does not count them as idle. */
  readonly #silent = new Set<Socket>()
  readonly #continued: ContinuedAnswers
  #isDraining = false

  constructor(options: ListenerOptions) {
    this.#options = options
    this.#limits = { ...defaultLimits, ...options.limits }
    this.#proxies = options.proxies ?? noProxies
    this.#continued = createContinuedAnswers(this.#limits.unreadMilliseconds)
  }

  startDraining(): void {
    this.#isDraining = true
    this.#continued.endAll()
  }

  closeSilent(): void {
    for (const socket of this.#silent) if (socket.bytesRead === 0) socket.destroy()
  }

  createServer(): Server {
    const { tls, certificates } = this.#options
    const server =
      tls === null
        ? createHttpServer(this.#serverOptions())
        : createHttpsServer({
            ...this.#serverOptions(),
            ...handshakeOptions(tls, certificates, this.#limits.receiveMilliseconds),
          })
    server.on('request', (message: RequestMessage, response: ServerResponse) =>
      this.#serve(message, response),
    )
    server.on(tls === null ? 'connection' : 'secureConnection', (socket: Socket) => {
      this.#silent.add(socket)
      socket.once('close', () => this.#silent.delete(socket))
    })
    server.on('clientError', (error: Error & { code?: string }, socket: SocketLike) =>
      this.#giveUp(error.code ?? '', socket),
    )
    server.on('checkExpectation', (message: RequestMessage, response: ServerResponse) =>
      this.#answer(message, response, this.#options.effects.uuid(), expectationFailed),
    )
    // RFC 9110 §7.8: an Upgrade may be ignored, and clients that offer h2c expect just that; a CONNECT may not.
    server.on('connect', (_message: IncomingMessage, socket: SocketLike) =>
      this.#refuse(socket, tunnelRefused),
    )
    return server
  }

  #serverOptions(): ServerOptions {
    const limits = this.#limits
    return {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.receiveMilliseconds,
      requestTimeout: limits.receiveMilliseconds,
      connectionsCheckingInterval: limits.checkIntervalMilliseconds,
      keepAliveTimeout: limits.keepAliveMilliseconds,
      // Checked in request.ts, where the answer is JSON with an id.
      requireHostHeader: false,
      IncomingMessage: RequestMessage,
    }
  }

  #serve(message: RequestMessage, response: ServerResponse): void {
    const connection = this.#connectionOf(message.socket)
    if (connection.latest === undefined) this.#silent.delete(message.socket)
    connection.latest = { message, response }
    const read = readRequest(message, {
      peer: connection,
      proxies: this.#proxies,
      certificates: this.#options.certificates ?? noCertificates,
      uuid: this.#options.effects.uuid,
    })
    if (read.refusal === undefined) this.#handle(message, response, read.request)
    else this.#answer(message, response, read.id, read.refusal)
  }

  #handle(message: RequestMessage, response: ServerResponse, request: IncomingRequest): void {
    const { handler, plainHandler = handler } = this.#options
    const fail = (error: unknown) => this.#fail(message, response, request.id, error)
    const settle = (reply: Reply) => {
      try {
        this.#answer(message, response, request.id, reply)
      } catch (error) {
        fail(error)
      }
    }
    try {
      const reply = (request.secure ? handler : plainHandler)(request)
      // One promise less than a catch behind it.
      if (reply instanceof Promise) reply.then(settle, fail)
      else settle(reply)
    } catch (error) {
      fail(error)
    }
  }

  #fail(message: RequestMessage, response: ServerResponse, id: string, error: unknown): void {
    if (error instanceof BodyTooLarge) this.#answer(message, response, id, bodyTooLarge)
    else if (!(error instanceof BodyAborted)) this.#failUnexpectedly(message, response, id, error)
  }

  #failUnexpectedly(message: RequestMessage, response: ServerResponse, id: string, error: unknown): void {
    this.#options.log.failure(id, error)
    if (response.headersSent) message.destroy()
    else this.#answer(message, response, id, serverError)
  }

  #answer(message: RequestMessage, response: ServerResponse, id: string, reply: Reply): void {
    if (response.destroyed || this.#connections.get(message.socket)?.isRefused) return
    // Whoever still reads would be told of the end by a message that node:http has thrown the rest of away.
    message.release()
    // Node reads away what nobody has asked for, and leaves alone what somebody has begun to read.
    if (message.readableFlowing === false) message.resume()
    const isCutShort = !message.complete && this.#leavesMuchUnread(message)
    // Node's parser stops behind it, and loses what has come in the same packet: the next request begins elsewhere.
    const endsHere = isCutShort || message.headers.upgrade !== undefined
    if (reply.follow !== undefined && !isCutShort) {
      response.writeHead(reply.status, this.#headersOf(reply, id, null, endsHere))
      this.#continued.begin(response, reply.body, reply.follow)
      return
    }
    const bytes = Buffer.byteLength(reply.body)
    response.writeHead(reply.status, this.#headersOf(reply, id, bytes, endsHere))
    // As many bytes as characters means ASCII, which node:http writes in one piece with the head as Latin-1.
    if (!isCutShort) response.end(reply.body, bytes === reply.body.length ? 'latin1' : 'utf8')
    else lingerAfter(message, response, message.method === 'HEAD' ? '' : reply.body, this.#limits)
  }

  /** The flat form of node:http: half the cost of an object, and each name written as it stands here. */
  #headersOf(reply: Reply, id: string, bytes: number | null, endsHere: boolean): string[] {
    const headers = ['X-Request-Id', id]
    if (reply.headers === neverCached) headers.push(...neverCachedLines)
    else for (const name in reply.headers) headers.push(name, reply.headers[name] ?? '')
    // RFC 9110 §8.6: no length where there is no content, nor where it would be that of another answer.
    if (bytes !== null && reply.status !== 204 && reply.status !== 304)
      headers.push('Content-Length', String(bytes))
    if ((this.#isDraining || endsHere) && reply.headers.Connection === undefined)
      headers.push('Connection', 'close')
    return headers
  }

  /** Node reads a short rest away by itself and keeps the connection; a long one is not worth it. */
  #leavesMuchUnread(message: IncomingMessage): boolean {
    if (!hasBody(message)) return false
    const declared = message.headers['content-length']
    return declared === undefined || Number(declared) > this.#limits.headerBytes
  }

  /** Node's parser or its clock gave the connection up. */
  #giveUp(code: string, socket: SocketLike): void {
    // Whoever goes on sending after a refusal is reported again and again; destroying now would outrun the answer.
    if (this.#connections.get(socket)?.isRefused) return
    const reply = replyToParserError(code)
    if (reply === undefined || !socket.writable) socket.destroy()
    else this.#refuse(socket, reply)
  }

  #refuse(socket: SocketLike, reply: Reply): void {
    const connection = this.#connectionOf(socket)
    connection.isRefused = true
    // Behind an answer still being made or half sent, ours would be read as that answer: better none.
    const { effects } = this.#options
    if (isAnswering(connection)) socket.destroy()
    else refuseConnection(socket, reply, effects.uuid(), new Date(effects.clock() * 1000), this.#limits)
  }

  #connectionOf(socket: SocketLike): Connection {
    const known = this.#connections.get(socket)
    if (known !== undefined) return known
    const address = canonicalAddress(socket.remoteAddress ?? '') ?? ''
    const connection: Connection = {
      address,
      isListedProxy: this.#proxies.contains(address),
      hasTls: this.#options.tls !== null,
      latest: undefined,
      isRefused: false,
    }
    this.#connections.set(socket, connection)
    return connection
  }
}

/** Whether an answer is owed or under way for a request other than one that is still arriving. */
function isAnswering({ latest }: Connection): boolean {
  if (latest === undefined || latest.response.writableFinished) return false
  return latest.message.complete || latest.response.headersSent || latest.response.socket === null
}
