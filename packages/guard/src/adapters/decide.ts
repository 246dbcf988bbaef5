/** What all adapters do: the guard decides, and answers for the API where the request is about the guard itself. */

import { parseUrl, type Soon, whenKnown } from '@sallyport/protocol'
import type { Allowed } from '../check.ts'
import type { Guard } from '../guard.ts'
import type { RequestView } from '../request-view.ts'
import type { Requirement } from '../requirement.ts'
import type { Access } from '../tokens/access.ts'

/** An answer that the adapter sends, and the application never sees the request. */
export interface Answer {
  readonly isAllowed: false
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export function decide(guard: Guard, view: RequestView, requirement: Requirement): Soon<Allowed | Answer> {
  const { metadata } = guard
  if (metadata !== null && isFor(metadata.path, view)) return metadataAnswer(metadata.document)
  return whenKnown(guard.check(view, requirement), (decision): Allowed | Answer => decision)
}

/** RFC 9728 §3: an adapter that sees all requests serves the document; anybody may read it. */
function isFor(path: string, { method, url }: RequestView): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false
  const [sentPath] = url.split('?', 1)
  return sentPath === path || (!url.startsWith('/') && parseUrl(url)?.pathname === path)
}

const metadataAnswer = (document: Readonly<Record<string, unknown>>): Answer => ({
  isAllowed: false,
  status: 200,
  headers: { 'content-type': 'application/json', 'cache-control': 'public, max-age=300' },
  body: JSON.stringify(document),
})

// A WeakMap would be tidier, and costs a request seven times as much and the collector more.
const accessKey = Symbol('access')

interface Guarded {
  [accessKey]?: Access | null
}

export function keepAccess(request: object, access: Access | null): void {
  const guarded: Guarded = request
  guarded[accessKey] = access
}

/**
 * Who calls, of a request that a guard has let through; null at a public endpoint. Throws for a request that no guard has
 * seen: that a route was left unguarded is to be found in the first test, and not in an incident.
 *
 * @example
 * ```ts
 * import { createGuard } from '@sallyport/guard'
 * import { accessOf, protect } from '@sallyport/guard/web'
 *
 * const guard = createGuard({ issuer: 'https://auth.example.com/acme', audience: 'https://api.example.com' })
 * export const GET = protect(guard, (request) => {
 *   const client = accessOf(request)?.clientId
 *   return Response.json({ client })
 * })
 * ```
 */
export function accessOf(request: object): Access | null {
  const { [accessKey]: access }: Guarded = request
  if (access === undefined)
    throw new TypeError('No guard has let this request through: is its route protected?')
  return access
}
