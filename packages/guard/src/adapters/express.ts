/** For Express 5. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Allowed } from '../check.ts'
import type { Guard } from '../guard.ts'
import { nothingMore, type Requirement } from '../requirement.ts'
import { type Answer, decide, keepAccess } from './decide.ts'
import { createCertificateReader, type ProxyOptions } from './forwarded-certificate.ts'
import { MessageView } from './message-view.ts'
import { createRouteNeeds } from './route-needs.ts'

export { accessOf } from './decide.ts'
export type { ProxyOptions } from './forwarded-certificate.ts'

interface ExpressRequest extends IncomingMessage {
  readonly baseUrl?: string
  readonly route?: { readonly path?: unknown }
}

type Middleware = (
  request: ExpressRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void>

// Express tells where a router is mounted only in the client's words: each spelling, and each value of a parameter, would
// have a bucket of its own.
const someMount = '*'

/**
 * Middleware for one route, with what it needs, or for an application whose guard knows its endpoints. Put it before
 * whatever reads bodies. Does not know whose the thing is that a request names. Throws `GuardOptionsError` for a limit that
 * the guard cannot count, and nothing at a request: what is refused is answered. A limit without `endpoint` that stands
 * before all routes (`app.use`) hands that error to `next` at each request, for Express tells only there that it has no route.
 *
 * @example
 * ```ts
 * import { createGuard } from '@sallyport/guard'
 * import { protect } from '@sallyport/guard/express'
 * import express from 'express'
 *
 * const guard = createGuard({ issuer: 'https://auth.example.com/acme', audience: 'https://api.example.com' })
 * const app = express()
 * app.get('/invoices', protect(guard, { scope: 'invoices/read' }), (_request, response) => void response.json([]))
 * ```
 */
export function protect(
  guard: Guard,
  requirement: Requirement = nothingMore,
  proxy?: ProxyOptions,
): Middleware {
  const certificateOf = createCertificateReader(proxy)
  const needs = createRouteNeeds(guard, requirement)
  const needsBelow = createRouteNeeds(guard, requirement, someMount)
  return async (request, response, next) => {
    const { method = '', baseUrl = '', route } = request
    let decision: Allowed | Answer
    try {
      const needed = (baseUrl === '' ? needs : needsBelow)(method, route?.path)
      decision = await decide(guard, new MessageView(request, routedUrl(request), certificateOf), needed)
    } catch (error) {
      // Express 4 awaits no middleware: there a rejection ends the process.
      next(error)
      return
    }
    // By a time limit of the application: what is answered takes no other answer.
    if (response.headersSent || response.writableEnded) return
    for (const [name, value] of Object.entries(decision.headers)) response.setHeader(name, value)
    if (decision.isAllowed) {
      keepAccess(request, decision.access)
      next()
    } else {
      response.statusCode = decision.status
      response.end(decision.body)
    }
  }
}

/** What the router goes by, which a rewrite has changed and `originalUrl` has not. */
function routedUrl({ baseUrl = '', url = '' }: ExpressRequest): string {
  // At the very place where a router is mounted Express puts a slash that nobody has sent.
  return baseUrl !== '' && /^\/(?:\?|$)/.test(url) ? baseUrl + url.slice(1) : baseUrl + url
}
