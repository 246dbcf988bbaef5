/** For Hono 4, on any runtime. */

import type { Guard } from '../guard.ts'
import type { RequestView } from '../request-view.ts'
import { nothingMore, type Requirement } from '../requirement.ts'
import { decide, keepAccess } from './decide.ts'
import { type MatchedRoute, templateOf } from './hono-route.ts'
import { createRouteNeeds } from './route-needs.ts'
import { takesHeaders } from './web-response.ts'

export { accessOf } from './decide.ts'

interface HonoContext {
  readonly req: {
    readonly raw: Request
    readonly method: string
    readonly matchedRoutes: readonly MatchedRoute[]
    readonly routeIndex: number
  }
  readonly res: Response
  header(name: string, value: string): void
}

type Middleware = (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined>

/**
 * Middleware for one route, with what it needs, or for an application whose guard knows its endpoints. In a handler,
 * `accessOf(context)` is who calls. Does not know whose the thing is that a request names, and has no client certificates.
 * Throws `GuardOptionsError` for a limit that the guard cannot count, and nothing at a request: what is refused is answered.
 *
 * @example
 * ```ts
 * import { createGuard } from '@sallyport/guard'
 * import { protect } from '@sallyport/guard/hono'
 * import { Hono } from 'hono'
 *
 * const guard = createGuard({ issuer: 'https://auth.example.com/acme', audience: 'https://api.example.com' })
 * const app = new Hono()
 * app.get('/invoices', protect(guard, { scope: 'invoices/read' }), (context) => context.json([]))
 * ```
 */
export function protect(guard: Guard, requirement: Requirement = nothingMore): Middleware {
  const needs = createRouteNeeds(guard, requirement)
  return async (context, next) => {
    const { raw, method, matchedRoutes, routeIndex } = context.req
    const needed = needs(method, templateOf(matchedRoutes, routeIndex))
    const decision = await decide(guard, viewOf(raw), needed)
    if (!decision.isAllowed)
      return new Response(decision.body, { status: decision.status, headers: decision.headers })
    const headers = Object.entries(decision.headers)
    for (const [name, value] of headers) context.header(name, value)
    // Both: whatever reads the body may put another request in the place of this one.
    keepAccess(context, decision.access)
    keepAccess(raw, decision.access)
    await next()
    // What a handler answers with a response of its own making has none of what was set before.
    for (const [name, value] of headers)
      if (takesHeaders(context.res) && !context.res.headers.has(name)) context.header(name, value)
    return undefined
  }
}

/** Hono answers a HEAD by the handler of GET; a proof of possession is of the HEAD. */
const viewOf = (request: Request): RequestView => {
  const { method, url, headers } = request
  return method === 'HEAD' ? { method, routedMethod: 'GET', url, headers } : request
}
