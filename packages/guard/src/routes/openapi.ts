/** Endpoints from an OpenAPI 3.0 or 3.1 document. What a guard cannot hold to is told; where it cannot tell who may come in, left out. */

import {
  createLeftOut,
  isOpenApi,
  isScopeToken,
  membersOf,
  type OpenApiOperation,
  readOpenApiOperations,
  type SchemeNeed,
  type UnusedPart,
} from '@sallyport/protocol'
import type { Endpoint } from './endpoint.ts'
import { createRouteTree } from './route-tree.ts'

/** What a document says, and what of it nobody can hold to. */
export interface OpenApiEndpoints {
  /** Fit for the guard's `endpoints`. */
  readonly endpoints: readonly Endpoint[]
  /** What was left out, and what of an endpoint the API must check for itself. */
  readonly unused: readonly UnusedPart[]
}

/** How paths of a document become paths of requests. */
export interface OpenApiOptions {
  /** Where every path begins, in place of the path of the document's first server: `''` behind a proxy that cuts it off. */
  readonly basePath?: string
}

/**
 * Reads the endpoints of a parsed document.
 *
 * Scopes are those of `oauth2`, `openIdConnect` and `http` bearer schemes, and of alternatives only those with a token
 * count. What a document demands beside a token (an API key, a certificate) no guard checks: the operation is an endpoint
 * all the same, and `unused` tells what is left for the API to check. An operation is public if its
 * security is an empty list or has an empty alternative; one of which nothing is said is left out. The extension
 * `x-sallyport-limit` of an operation becomes the limit of the endpoint, as it stands. Throws a TypeError for what is no
 * OpenAPI 3.0 or 3.1 document.
 *
 * @example
 * ```ts
 * import { createGuard, readOpenApiEndpoints } from '@sallyport/guard'
 *
 * const document = { openapi: '3.1.0', info: { title: 'Invoices', version: '1' }, paths: {} }
 * const { endpoints, unused } = readOpenApiEndpoints(document, { basePath: '/v1' })
 * for (const { pointer, reason } of unused) console.warn(`${pointer}: ${reason}`)
 * const guard = createGuard({
 *   issuer: 'https://auth.example.com/acme',
 *   audience: 'https://api.example.com',
 *   endpoints,
 * })
 * ```
 */
export function readOpenApiEndpoints(document: unknown, { basePath }: OpenApiOptions = {}): OpenApiEndpoints {
  if (!isOpenApi(document)) throw new TypeError('no OpenAPI 3.0 or 3.1 document')
  const { unused, leave } = createLeftOut()
  const tree = createRouteTree()
  const endpoints: Endpoint[] = []
  for (const operation of readOpenApiOperations(membersOf(document), leave, basePath)) {
    const endpoint = endpointOf(operation)
    const reason = typeof endpoint === 'string' ? endpoint : tree.add(endpoint)
    if (reason !== null) leave(operation.path, reason)
    else if (typeof endpoint !== 'string') endpoints.push(endpoint)
    const unheld = reason === null ? demandedBeside(operation.security ?? []) : ''
    if (unheld !== '')
      leave(
        [...operation.path, 'security'],
        `beside the token it demands ${unheld}, which the API must check`,
      )
  }
  return { endpoints, unused }
}

/** The endpoint, or why there is none. */
function endpointOf({ method, template, security, operation }: OpenApiOperation): Endpoint | string {
  const access = accessTo(security)
  if (typeof access === 'string') return access
  const limit = operation['x-sallyport-limit']
  return { method, path: template, ...access, ...(limit === undefined ? {} : { limit }) }
}

function accessTo(security: OpenApiOperation['security']): Pick<Endpoint, 'scope' | 'isPublic'> | string {
  if (security === null) return 'nothing says what it needs: an empty list would make it public'
  if (security.length === 0 || security.some((together) => together.length === 0)) return { isPublic: true }
  const [scopes, ...others] = security.filter(isByToken).map(scopesOf)
  if (scopes === undefined) return 'no token opens it'
  if (others.some((other) => other.join(' ') !== scopes.join(' ')))
    return 'alternatives that need different scopes'
  const [first, ...more] = scopes
  if (!scopes.every(isScopeToken)) return 'a scope that no token can have'
  return first === undefined ? {} : { scope: more.length > 0 ? scopes : first }
}

/** What no token satisfies; empty where there is an alternative that a token satisfies alone, or none with a token. */
function demandedBeside(security: NonNullable<OpenApiOperation['security']>): string {
  if (security.some((together) => together.every(isToken))) return ''
  const others = security.filter(isByToken).flatMap((together) => together.filter((need) => !isToken(need)))
  return [...new Set(others.map(({ type, httpScheme }) => (type === 'http' ? httpScheme : type)))].join(
    ' or ',
  )
}

/** A scheme that the document does not define demands nobody knows what. */
const isByToken = (together: readonly SchemeNeed[]): boolean =>
  together.some(isToken) && together.every(({ type }) => type !== null)

const isToken = ({ type, httpScheme }: SchemeNeed): boolean =>
  type === 'oauth2' || type === 'openIdConnect' || (type === 'http' && httpScheme === 'bearer')

/** OpenAPI 3.1 lets bearer schemes name roles in their place; whoever writes scopes there means them to be held. */
const scopesOf = (together: readonly SchemeNeed[]): readonly string[] =>
  [...new Set(together.filter(isToken).flatMap(({ scopes }) => scopes))].sort()
