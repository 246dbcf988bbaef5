/** What the tests of the HTTP edge share: a listener on a free port, and clients that see the bytes. */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { jsonReply } from '@sallyport/protocol'
import { parseAddressList } from '../../src/http/address-list.ts'
import type { Handler } from '../../src/http/exchange.ts'
import { createListener, type Listener, type ListenerOptions } from '../../src/http/listener.ts'

export const now = Date.parse('2026-11-20T12:00:00Z') / 1000

/** Ids that are counted, so that a test knows them. */
export function countedIds(): () => string {
  let count = 0
  return () => {
    count += 1
    return `generated-${count}`
  }
}

export interface Failure {
  readonly requestId: string
  readonly error: unknown
}

export interface StartedListener {
  readonly listener: Listener
  readonly port: number
  readonly failures: Failure[]
}

export type StartOptions = Partial<Omit<ListenerOptions, 'handler' | 'proxies'>> & {
  readonly handler: Handler
  readonly proxies?: readonly string[]
  readonly hosts?: readonly string[]
}

export async function startListener(
  t: TestContext,
  { proxies = [], hosts = ['127.0.0.1'], ...options }: StartOptions,
): Promise<StartedListener> {
  const failures: Failure[] = []
  const listener = createListener({
    tls: null,
    proxies: parseAddressList(proxies),
    effects: { clock: () => now, uuid: countedIds() },
    log: { failure: (requestId, error) => failures.push({ requestId, error }) },
    ...options,
  })
  const port = await listener.listen({ hosts, port: 0 })
  t.after(async () => {
    const closed = listener.stopAccepting()
    listener.closeAll()
    await closed
  })
  return { listener, port, failures }
}

export interface WireReply {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

export function parseReply(text: string): WireReply {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
    }),
  )
  return { status: Number(statusLine.split(' ')[1]), headers, body: rest.join('\r\n\r\n') }
}

/** All bytes until the server closes; an error of the socket (a reset) rejects. */
export function readToEnd(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk) => {
      text += chunk
    })
    socket.on('error', reject)
    socket.on('end', () => resolve(text))
    socket.on('close', () => resolve(text))
  })
}

/** Sends text as it stands and gives back everything the server says until it closes. */
export function sendRaw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(text, 'latin1')
  return readToEnd(socket).finally(() => socket.destroy())
}

/** One reply to one request that asks for the connection to be closed. */
export async function ask(port: number, lines: readonly string[], body = ''): Promise<WireReply> {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]
  const head = [...lines, ...length, 'Connection: close', '', body].join('\r\n')
  return parseReply(await sendRaw(port, head))
}

/** Answers with all that it was told. */
export const echo: Handler = async (request) => {
  const body = await request.readBody(65_536)
  const { id, method, host, path, query, authorization, secure, clientAddress } = request
  return jsonReply(200, {
    id,
    method,
    host,
    path,
    query,
    authorization,
    secure,
    clientAddress,
    body: body.toString(),
    bytes: body.length,
  })
}

/** An answer given beneath HTTP, or instead of it: JSON, and the end of the connection. */
export function assertTransportError(reply: WireReply, status: number): void {
  assert.equal(reply.status, status)
  assert.equal(reply.headers.get('content-type'), 'application/json')
  assert.equal(reply.headers.get('cache-control'), 'no-store')
  assert.equal(reply.headers.get('connection'), 'close')
  assert.match(reply.headers.get('x-request-id') ?? '', /^generated-\d+$/)
  assert.ok(reply.headers.has('date'))
  assert.equal(JSON.parse(reply.body).error, 'invalid_request')
}
