/** For `node:http` and `node:https`, and what the adapters of frameworks that stand on them share. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Requirement } from '../check.ts'
import type { Guard } from '../guard.ts'
import type { RequestView } from '../request-view.ts'
import { decide, keepAccess } from './decide.ts'

export { accessOf } from './decide.ts'

/**
 * Guards a whole server of `node:http`: what is refused is answered, and `listener` sees only what is let through. Does not
 * know whose the thing is that a request names. Throws nothing of its own; what `listener` throws rejects.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { createGuard } from '@sallyport/guard'
 * import { accessOf, protect } from '@sallyport/guard/node'
 *
 * const guard = createGuard({ issuer: 'https://auth.example.com/acme', audience: 'https://api.example.com' })
 * createServer(protect(guard, (request, response) => response.end(accessOf(request)?.clientId)))
 * ```
 */
export function protect(
  guard: Guard,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
  requirement: Requirement = {},
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    const decision = await decide(guard, viewOf(request), requirement)
    for (const [name, value] of Object.entries(decision.headers)) response.setHeader(name, value)
    if (decision.isAllowed) {
      keepAccess(request, decision.access)
      listener(request, response)
    } else response.writeHead(decision.status).end(decision.body)
  }
}

/**
 * A message of `node:http` as `guard.check` takes it, for frameworks without an adapter. `url` is what the router behind the
 * guard will see. Does not check that the connection was TLS. Throws nothing.
 *
 * @example
 * ```ts
 * import { createServer } from 'node:http'
 * import { createGuard } from '@sallyport/guard'
 * import { viewOf } from '@sallyport/guard/node'
 *
 * const guard = createGuard({ issuer: 'https://auth.example.com/acme', audience: 'https://api.example.com' })
 * createServer(async (request, response) => {
 *   const decision = await guard.check(viewOf(request), { scope: 'invoices/read' })
 *   if (decision.isAllowed) response.end()
 *   else response.writeHead(decision.status, decision.headers).end(decision.body)
 * })
 * ```
 */
export function viewOf(message: IncomingMessage, url: string = message.url ?? ''): RequestView {
  return new MessageView(message, url)
}

/** A class, because V8 gives each object literal with a getter a hidden class of its own, and keeps the request with it. */
class MessageView implements RequestView {
  readonly method: string
  readonly url: string
  readonly headers: RequestView['headers']
  readonly #message: IncomingMessage

  constructor(message: IncomingMessage, url: string) {
    this.method = message.method ?? ''
    this.url = url
    this.headers = { get: (name) => headerOf(message, name) }
    this.#message = message
  }

  get clientCertificate(): Uint8Array | undefined {
    return certificateOf(this.#message)
  }
}

/**
 * `headers` of a message keeps the first of several, which the guard is to refuse, and is costly to make where nobody else
 * wants it. It is asked where the message did not come over a wire.
 */
function headerOf(message: IncomingMessage, name: string): string | null {
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

/** TLS itself has shown that the client holds its key; who has signed it is not asked (RFC 8705 §2.2). */
function certificateOf({ socket }: IncomingMessage): Uint8Array | undefined {
  const certificate = (socket as Partial<TLSSocket>).getPeerCertificate?.()
  return certificate?.raw
}
