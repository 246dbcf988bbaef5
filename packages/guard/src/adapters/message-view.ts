/** A message of `node:http` or `node:http2` as the guard reads it, for all adapters whose frameworks stand on them. */

import type { IncomingHttpHeaders } from 'node:http'
import type { RequestView } from '../request-view.ts'
import type { CertificateReader, Connected } from './forwarded-certificate.ts'

/** What messages of HTTP/1 and of HTTP/2 have in common. */
export interface Message extends Connected {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: IncomingHttpHeaders
}

interface Rewritten extends Message {
  /** Kept by frameworks that put the URL their routers go by in the place of the one that was sent. */
  readonly originalUrl?: string
}

/** A class, because V8 gives each object literal with a getter a hidden class of its own, and keeps the request with it. */
export class MessageView implements RequestView {
  readonly method: string
  readonly url: string
  readonly headers: RequestView['headers']
  readonly #message: Message
  readonly #certificateOf: CertificateReader

  /** `url` is what the router goes by. */
  constructor(message: Message, url: string, certificateOf: CertificateReader) {
    this.method = message.method ?? ''
    this.url = url
    this.headers = { get: (name) => headerOf(message, name) }
    this.#message = message
    this.#certificateOf = certificateOf
  }

  get sentUrl(): string {
    const { originalUrl = this.url }: Rewritten = this.#message
    return originalUrl
  }

  get clientCertificate(): Uint8Array | undefined {
    return this.#certificateOf(this.#message)
  }
}

/**
 * `headers` of a message keeps the first of several, which the guard is to refuse, and is costly to make where nobody else
 * wants it. It is asked where the message did not come over a wire.
 */
function headerOf(message: Message, name: string): string | null {
  const sent = name === 'authorization' ? authorizationIn(message.rawHeaders) : null
  if (sent !== null) return sent
  const value = message.headers[name]
  return Array.isArray(value) ? value.join(', ') : (value ?? null)
}

function authorizationIn(rawHeaders: readonly string[]): string | null {
  let found: string | null = null
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (name.length !== 13 || name.toLowerCase() !== 'authorization') continue
    const value = rawHeaders[index + 1] ?? ''
    found = found === null ? value : `${found}, ${value}`
  }
  return found
}
