/** For `node:http`, `node:https` and `node:http2`. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Allowed } from '../check.ts'
import type { Guard } from '../guard.ts'
import type { RequestView } from '../request-view.ts'
import { checked, nothingMore, type Requirement } from '../requirement.ts'
import { type Answer, decide, keepAccess } from './decide.ts'
import {
  certificateOfConnection,
  createCertificateReader,
  type ProxyOptions,
} from './forwarded-certificate.ts'
import { type Message, MessageView } from './message-view.ts'

export { accessOf } from './decide.ts'
export type { ProxyOptions } from './forwarded-certificate.ts'

/** What answers of HTTP/1 and of HTTP/2 have in common. */
interface Reply {
  readonly headersSent: boolean
  readonly writableEnded: boolean
  setHeader(name: string, value: string): unknown
  writeHead(status: number): { end(body: string): unknown }
}

/**
 * Guards all requests of a server: what is refused is answered, and `listener` sees only what is let through. Does not know
 * whose the thing is that a request names, and does not see what the server hands to a listener for `upgrade` (WebSockets) or
 * `connect`: ask `guard.check(viewOf(request))` there. Throws `GuardOptionsError` for a limit that the guard cannot count, and
 * nothing of its own at a request: where it cannot decide (`limitOf` of the API fails) it answers 500, and says why in a
 * warning of the process. What `listener` throws rejects.
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
export function protect<Incoming extends Message = IncomingMessage, Outgoing extends Reply = ServerResponse>(
  guard: Guard,
  listener: (request: Incoming, response: Outgoing) => void,
  requirement: Requirement = nothingMore,
  proxy?: ProxyOptions,
): (request: Incoming, response: Outgoing) => Promise<void> {
  guard.checkRequirement(requirement)
  const needed = checked(requirement)
  const certificateOf = createCertificateReader(proxy)
  return async (request, response) => {
    const view = new MessageView(request, request.url ?? '', certificateOf)
    let decision: Allowed | Answer
    try {
      decision = await decide(guard, view, needed)
    } catch (error) {
      // A server awaits no listener: what rejects here ends the process of the API.
      decision = undecided(error)
    }
    // By a time limit of the application: what is answered takes no other answer.
    if (response.headersSent || response.writableEnded) return
    for (const [name, value] of Object.entries(decision.headers)) response.setHeader(name, value)
    if (decision.isAllowed) {
      keepAccess(request, decision.access)
      listener(request, response)
    } else response.writeHead(decision.status).end(decision.body)
  }
}

function undecided(error: unknown): Answer {
  process.emitWarning(error instanceof Error ? error : String(error))
  return { isAllowed: false, status: 500, headers: {}, body: '' }
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
export function viewOf(message: Message, url: string = message.url ?? ''): RequestView {
  return new MessageView(message, url, certificateOfConnection)
}
