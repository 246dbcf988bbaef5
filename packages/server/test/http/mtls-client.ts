/** A client with a certificate, on a real TLS connection of its own for each request. */
import { KeyObject } from 'node:crypto'
import { type ConnectionOptions, connect } from 'node:tls'
import type { Issued } from '../certificates/issue.ts'
import { parseReply, readToEnd } from './wire.ts'

export interface Place {
  readonly port: number
  /** The authority of the server's certificate. */
  readonly ca: string | Buffer
  readonly version?: 'TLSv1.2' | 'TLSv1.3'
}

export interface Shown {
  readonly leaf?: Issued | null
  /** What the client sends beside its leaf. */
  readonly chain?: readonly Issued[]
  /** Header lines. */
  readonly headers?: readonly string[]
  readonly session?: Buffer | undefined
}

export interface TlsAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers whose shape is what they assert
  readonly json: any
  readonly isResumed: boolean
  readonly session: Buffer | undefined
}

export const keyPem = ({ keys }: Issued): string =>
  KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }) as string

export const chainPem = (leaf: Issued, chain: readonly Issued[] = []): string =>
  [leaf, ...chain].map(({ pem }) => pem).join('')

export async function request(
  { port, ca, version }: Place,
  head: string,
  { leaf, chain = [], headers = [], session }: Shown,
  body = '',
): Promise<TlsAnswer> {
  const options: ConnectionOptions = {
    ...{ host: '127.0.0.1', servername: 'localhost', port, ca },
    ...(version && { minVersion: version, maxVersion: version }),
    ...(leaf && { cert: chainPem(leaf, chain), key: keyPem(leaf) }),
    ...(session && { session }),
  }
  const socket = connect(options)
  const lines = [head, 'Host: localhost', ...headers, `Content-Length: ${body.length}`, 'Connection: close']
  socket.write([...lines, '', body].join('\r\n'))
  const reply = parseReply(await readToEnd(socket))
  const isJson = reply.headers.get('content-type') === 'application/json'
  const answer = {
    status: reply.status,
    headers: Object.fromEntries(reply.headers),
    text: reply.body,
    json: isJson ? JSON.parse(reply.body) : null,
    isResumed: socket.isSessionReused(),
    session: socket.getSession(),
  }
  socket.destroy()
  return answer
}

/** The client-credentials request of a client that its certificate is to prove. */
export function askByCertificate(
  place: Place,
  clientId: string,
  { headers = [], ...shown }: Shown = {},
  path = '/acme/oauth2/token',
): Promise<TlsAnswer> {
  const form = ['Content-Type: application/x-www-form-urlencoded', ...headers]
  const body = `grant_type=client_credentials&client_id=${clientId}`
  return request(place, `POST ${path} HTTP/1.1`, { ...shown, headers: form }, body)
}
