/** For whatever takes a `Request` and answers a `Response`: Next.js route handlers, Bun, Deno, edge functions. */

import type { Guard } from '../guard.ts'
import { checked, nothingMore, type Requirement } from '../requirement.ts'
import { decide, keepAccess } from './decide.ts'
import { takesHeaders } from './web-response.ts'

export { accessOf } from './decide.ts'

type Handler<Incoming extends Request, Rest extends readonly unknown[]> = (
  request: Incoming,
  ...rest: Rest
) => Response | Promise<Response>

/**
 * A handler that only sees what the guard lets through. `requirement.endpoint` is what limits are counted by. Does not know
 * whose the thing is that a request names, and has no client certificates. Throws `GuardOptionsError` for a limit that the
 * guard cannot count, and nothing of its own at a request; what `handler` throws rejects.
 *
 * @example
 * ```ts
 * import { createGuard } from '@sallyport/guard'
 * import { protect } from '@sallyport/guard/web'
 *
 * const guard = createGuard({ issuer: 'https://auth.example.com/acme', audience: 'https://api.example.com' })
 * export const GET = protect(guard, () => Response.json([]), { scope: 'invoices/read' })
 * ```
 */
export function protect<Incoming extends Request, Rest extends readonly unknown[]>(
  guard: Guard,
  handler: Handler<Incoming, Rest>,
  requirement: Requirement = nothingMore,
): (request: Incoming, ...rest: Rest) => Promise<Response> {
  guard.checkRequirement(requirement)
  const needed = checked(requirement)
  return async (request, ...rest) => {
    const decision = await decide(guard, request, needed)
    const { headers } = decision
    if (!decision.isAllowed) return new Response(decision.body, { status: decision.status, headers })
    keepAccess(request, decision.access)
    const response = await handler(request, ...rest)
    return withHeaders(response, headers)
  }
}

/** The headers of an answer that came from elsewhere may not be changed. */
function withHeaders(response: Response, headers: Readonly<Record<string, string>>): Response {
  const entries = Object.entries(headers)
  if (entries.length === 0 || !takesHeaders(response)) return response
  const told = new Response(response.body, response)
  for (const [name, value] of entries) told.headers.set(name, value)
  return told
}
