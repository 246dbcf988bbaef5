/** For Express 5. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Requirement } from '../check.ts'
import type { Guard } from '../guard.ts'
import { decide, keepAccess } from './decide.ts'
import { viewOf } from './node.ts'

export { accessOf } from './decide.ts'

interface ExpressRequest extends IncomingMessage {
  readonly baseUrl?: string
  readonly route?: { readonly path?: unknown }
}

type Middleware = (
  request: ExpressRequest,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => Promise<void>

/**
 * Middleware for one route, with what it needs, or for an application whose guard knows its endpoints. Put it before
 * whatever reads bodies. Does not know whose the thing is that a request names. Throws nothing: what is refused is answered.
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
export function protect(guard: Guard, requirement: Requirement = {}): Middleware {
  return async (request, response, next) => {
    const needed = { endpoint: endpointOf(request), ...requirement }
    const decision = await decide(guard, viewOf(request, routedUrl(request)), needed)
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

/** As the application wrote it, so that `/invoices/1` and `/invoices/2` are one endpoint. */
const endpointOf = ({ method, baseUrl = '', route }: ExpressRequest): string =>
  `${method} ${baseUrl}${typeof route?.path === 'string' ? route.path : ''}`
