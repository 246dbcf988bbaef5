/**
 * Records as syslog messages: over UDP one datagram each, over TCP and TLS counted octets (RFC 6587 §3.4.1). Syslog has no
 * receipts, so over TCP and TLS a connection carries one call's records, and they count as handed on once the collector
 * has read to our end and closes its own.
 */

import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext } from 'node:tls'
import type { AuditRecord } from '../store/audit-records.ts'
import type { AuditSink } from './follow.ts'
import { syslogMessage } from './syslog-message.ts'
import { trusting } from './trust.ts'

export interface SyslogOptions {
  /** `udp:`, `tcp:` or `tls:`. */
  readonly url: URL
  /** The name of this machine. */
  readonly host: string
  /** PEM, beside the system's. */
  readonly authorities?: readonly string[]
  readonly timeoutMilliseconds?: number
}

/** RFC 5426 §3.3, RFC 6587 §2 with IANA's syslog-conn, RFC 5425 §4.1. */
const defaultPorts: Readonly<Record<string, number>> = { 'udp:': 514, 'tcp:': 601, 'tls:': 6514 }

/** What collectors take by default; a longer message would be cut somewhere inside its JSON. */
const datagramBytes = 8192

interface Place {
  readonly host: string
  readonly port: number
}

export function createSyslog(options: SyslogOptions): AuditSink {
  const { url, host, authorities = [], timeoutMilliseconds = 10_000 } = options
  const place = {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? (defaultPorts[url.protocol] ?? 0) : Number(url.port),
  }
  const secureContext = url.protocol === 'tls:' ? trusting(authorities) : null
  return {
    name: 'syslog',
    async send(records, signal) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMilliseconds)])
      if (url.protocol === 'udp:') await sendDatagrams(place, records, host, limit)
      else await sendStream(open(place, secureContext), framed(records, host), limit)
    },
  }
}

/** Each message is ASCII, so characters are octets. */
const framed = (records: readonly AuditRecord[], host: string): string =>
  records
    .map((record) => syslogMessage(record, host))
    .map((message) => `${message.length} ${message}`)
    .join('')

const open = ({ host, port }: Place, secureContext: (() => SecureContext) | null): Socket =>
  secureContext === null
    ? connectPlain({ host, port })
    : connectTls({
        ...{ host, port, secureContext: secureContext(), rejectUnauthorized: true },
        // RFC 6066 §3: a server name is never an address.
        ...(isIP(host) === 0 && { servername: host }),
      })

function sendStream(socket: Socket, text: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = () => socket.destroy(new Error('it takes too long'))
    signal.addEventListener('abort', giveUp)
    socket.on('error', reject)
    socket.on('close', () => {
      signal.removeEventListener('abort', giveUp)
      // Without an error before it, both sides have come to their end.
      if (socket.writableFinished) resolve()
      else reject(new Error('it closed the connection before it had all'))
    })
    socket.resume()
    if (signal.aborted) giveUp()
    else socket.end(text)
  })
}

async function sendDatagrams(
  { host, port }: Place,
  records: readonly AuditRecord[],
  ownHost: string,
  signal: AbortSignal,
): Promise<void> {
  const { address, family } = await lookup(host)
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
  const failed = once(socket, 'error', { signal }).then(([error]) => Promise.reject(error))
  try {
    await Promise.race([sendAll(socket, { host: address, port }, records, ownHost), failed])
  } finally {
    failed.catch(() => {})
    socket.close()
  }
}

async function sendAll(
  socket: DatagramSocket,
  { host, port }: Place,
  records: readonly AuditRecord[],
  ownHost: string,
): Promise<void> {
  socket.connect(port, host)
  await once(socket, 'connect')
  for (const record of records) {
    const message = syslogMessage(record, ownHost, datagramBytes)
    await new Promise<void>((resolve, reject) =>
      socket.send(message, (error) => (error ? reject(error) : resolve())),
    )
  }
}
