/**
 * The names of endpoints, which requests are counted by: one for an endpoint, however a table, a framework or a program
 * writes it, and the same in every process. No client can make up another.
 */

import { limitIn } from './limits-of-endpoints.ts'
import type { Endpoint } from './routes/endpoint.ts'

export interface EndpointName {
  readonly method: string
  readonly path: string
  /** `GET /invoices/{}`: without the names of parameters, in lower case, without a slash at the end. */
  readonly name: string
}

export interface NamedEndpoint extends Endpoint {
  readonly name: string
}

export const named = (endpoint: Endpoint): NamedEndpoint => ({
  ...endpoint,
  limit: limitIn(endpoint.limit) ?? endpoint.limit,
  name: nameOf(endpoint.method, endpoint.path),
})

/** A table takes no two paths that differ in no more than what is left out here. */
const nameOf = (method: string, path: string): string =>
  `${method} ${path
    .replaceAll(/(?<=\/)\{[^{}/]+\}(?=\/|$)/g, '{}')
    .replace(/(?<=.)\/$/, '')
    .toLowerCase()}`

/** As routers write parameters and wildcards; `:id` alone is one everywhere, and inside a segment only for some. */
const asTable = (route: string): string =>
  route.replaceAll(/(?<=\/):[A-Za-z_$][\w$]*/g, '{}').replaceAll(/\*[\w$]*/g, '*')

const ownNames = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'QUERY'])

/** RFC 9110 §9.3.2: HEAD is GET without the content. A method of the client's own making opens no bucket of its own. */
export function countedMethod(method: string): string {
  if (method === 'HEAD') return 'GET'
  return ownNames.has(method) ? method : '*'
}

/** `endpoint` of a requirement, for the route of a framework. */
export const routeName = (method: string, route: string): string => `${method} ${asTable(route)}`

const unnamed: EndpointName = { method: '', path: '', name: '' }
const mostKept = 1_000

/** Reads `endpoint` of a requirement, and remembers what it has read: applications have few. */
export function createNameReader(): (text: string | undefined) => EndpointName {
  const known = new Map<string, EndpointName>()
  return (text) => {
    if (text === undefined) return unnamed
    const found = known.get(text)
    if (found !== undefined) return found
    const name = readEndpointName(text)
    if (known.size < mostKept) known.set(text, name)
    return name
  }
}

export function readEndpointName(text: string): EndpointName {
  const [, method, route] = /^([A-Za-z-]+|\*) (.+)$/s.exec(text) ?? []
  if (method === undefined || route === undefined) return { ...unnamed, path: text, name: text }
  const path = asTable(route)
  const upper = method.toUpperCase()
  return { method: upper, path, name: nameOf(upper, path) }
}
