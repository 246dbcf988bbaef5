/** For Fastify 5. */

import type { Guard } from '../guard.ts'
import { nothingMore, type Requirement } from '../requirement.ts'
import { decide, keepAccess } from './decide.ts'
import { createCertificateReader, type ProxyOptions } from './forwarded-certificate.ts'
import { type Message, MessageView } from './message-view.ts'
import { createRouteNeeds } from './route-needs.ts'

export { accessOf } from './decide.ts'
export type { ProxyOptions } from './forwarded-certificate.ts'

interface FastifyRequest {
  readonly raw: Message
  readonly method: string
  readonly url: string
  readonly routeOptions: { readonly url?: string | undefined }
}

interface FastifyReply {
  code(status: number): FastifyReply
  header(name: string, value: string): FastifyReply
  send(body: string): FastifyReply
}

// Fastify has found the route before any hook runs, or that there is none.
const unknownPath = '/*'

type Hook = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void

/**
 * An `onRequest` hook for one route, with what it needs, or for all routes of a guard that knows its endpoints. Does not
 * know whose the thing is that a request names. Throws `GuardOptionsError` for a limit that the guard cannot count, and
 * nothing at a request: what is refused is answered.
 *
 * @example
 * ```ts
 * import { createGuard } from '@sallyport/guard'
 * import { protect } from '@sallyport/guard/fastify'
 * import fastify from 'fastify'
 *
 * const guard = createGuard({ issuer: 'https://auth.example.com/acme', audience: 'https://api.example.com' })
 * const app = fastify()
 * app.get('/invoices', { onRequest: protect(guard, { scope: 'invoices/read' }) }, async () => [])
 * ```
 */
export function protect(guard: Guard, requirement: Requirement = nothingMore, proxy?: ProxyOptions): Hook {
  const certificateOf = createCertificateReader(proxy)
  const needs = createRouteNeeds(guard, requirement)
  return (request, reply, done) => {
    const needed = needs(request.method, request.routeOptions.url ?? unknownPath)
    const decision = decide(guard, new MessageView(request.raw, request.raw.url ?? '', certificateOf), needed)
    const go = (known: Awaited<typeof decision>): void => {
      for (const name in known.headers) reply.header(name, known.headers[name] ?? '')
      if (known.isAllowed) {
        keepAccess(request, known.access)
        done()
      } else reply.code(known.status).send(known.body)
    }
    // Hooks with a callback, because a promise for each request costs more than a token that is known.
    if (decision instanceof Promise) void decision.then(go, done)
    else go(decision)
  }
}
