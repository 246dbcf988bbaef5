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
  return {
    method: message.method ?? '',
    url,
    headers: { get: (name) => headerOf(message, name) },
    get clientCertificate() {
      return certificateOf(message)
    },
  }
}

function headerOf({ headers, rawHeaders }: IncomingMessage, name: string): string | null {
  const value = headers[name]
  if (value === undefined) return null
  // Node keeps the first of several and drops the others, which the guard is to refuse.
  if (name === 'authorization') return onlyAuthorization(rawHeaders) ?? `${value}, `
  return typeof value === 'string' ? value : value.join(', ')
}

function onlyAuthorization(rawHeaders: readonly string[]): string | null {
  let found: string | null = null
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? ''
    if (name.length !== 13 || name.toLowerCase() !== 'authorization') continue
    if (found !== null) return null
    found = rawHeaders[index + 1] ?? ''
  }
  return found
}

/** TLS itself has shown that the client holds its key; who has signed it is not asked (RFC 8705 §2.2). */
function certificateOf({ socket }: IncomingMessage): Uint8Array | undefined {
  const certificate = (socket as Partial<TLSSocket>).getPeerCertificate?.()
  return certificate?.raw
}
