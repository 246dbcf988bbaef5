/**
 * Records as NDJSON in POST requests to a URL of the operator's, signed. Only 2xx counts: a redirect is an answer like any
 * other, for the operator can set the right URL. Nothing of an answer is read but its status.
 */

import { createHmac } from 'node:crypto'
import { request as requestPlain } from 'node:http'
import { type RequestOptions, request as requestTls } from 'node:https'
import type { SecureContext } from 'node:tls'
import type { AuditSink } from './follow.ts'
import { trusting } from './trust.ts'
import { auditLine } from './written-record.ts'

export interface WebhookOptions {
  readonly url: URL
  /** Null where requests are not signed. */
  readonly secret: string | null
  /** PEM, beside the system's. */
  readonly authorities?: readonly string[]
  /** Epoch seconds. */
  readonly clock: () => number
  readonly timeoutMilliseconds?: number
}

const signatureHeader = 'Sallyport-Signature'

/** Over the time as well, so that an old request cannot be sent again as a new one. */
const signBody = (secret: string, body: string, now: number): string =>
  `t=${now},v1=${createHmac('sha256', secret).update(`${now}.${body}`).digest('hex')}`

export function createWebhook(options: WebhookOptions): AuditSink {
  const { url, secret, clock, authorities = [], timeoutMilliseconds = 10_000 } = options
  const secureContext = trusting(authorities)
  return {
    name: 'webhook',
    async send(records, signal) {
      const body = records.map((record) => `${auditLine(record)}\n`).join('')
      const headers = {
        'Content-Type': 'application/x-ndjson',
        'User-Agent': 'Sallyport',
        ...(secret !== null && { [signatureHeader]: signBody(secret, body, clock()) }),
      }
      const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMilliseconds)])
      const status = await post(url, body, { headers, signal: limit }, secureContext)
      if (status < 200 || status > 299) throw new Error(`it answers ${status}`)
    },
  }
}

type PostOptions = Pick<RequestOptions, 'headers' | 'signal'>

/** Answers the status. */
function post(
  url: URL,
  body: string,
  options: PostOptions,
  secureContext: () => SecureContext,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const common = { ...options, method: 'POST', agent: false as const, maxHeaderSize: 16_384 }
    const outgoing =
      url.protocol === 'https:'
        ? // Even where NODE_TLS_REJECT_UNAUTHORIZED says otherwise.
          requestTls(url, { ...common, rejectUnauthorized: true, ...{ secureContext: secureContext() } })
        : requestPlain(url, common)
    outgoing.once('response', (message) => {
      resolve(message.statusCode ?? 0)
      message.on('error', () => {})
      message.destroy()
    })
    // To Node, 101 is neither a response nor an error.
    outgoing.once('upgrade', ({ statusCode }, socket) => {
      socket.destroy()
      resolve(statusCode ?? 0)
    })
    outgoing.on('error', reject)
    outgoing.once('close', () => reject(new Error('it gives no answer')))
    outgoing.end(body)
  })
}
