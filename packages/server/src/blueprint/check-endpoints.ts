/** Endpoints of an API: each stands once, and needs a scope that the API declares. */

import { scopeCovers } from '@sallyport/protocol'
import type { Endpoint } from '../tenants/settings.ts'
import { oneOf } from './one-of.ts'
import { type Path, type Report, showValue } from './problem.ts'
import type { ApiEntry } from './schema.ts'

/** Guards hold them all in memory, and look through them for each request. */
const mostEndpoints = 2_000

export function checkEndpoints(apis: readonly ApiEntry[], path: Path, report: Report): void {
  for (const [index, { endpoints = [], scopes }] of apis.entries()) {
    const at = [...path, index, 'endpoints']
    if (endpoints.length > mostEndpoints)
      report(at, `${endpoints.length} endpoints`, `at most ${mostEndpoints}`)
    checkScopes(endpoints, Object.keys(scopes), at, report)
    checkOnce(endpoints, at, report)
  }
}

function checkScopes(
  endpoints: readonly Endpoint[],
  declared: readonly string[],
  path: Path,
  report: Report,
): void {
  for (const [index, { scope }] of endpoints.entries()) {
    const place = [...path, index, 'scope']
    if (!declared.some((candidate) => scopeCovers(candidate, scope)))
      report(place, showValue(scope, place), oneOf('a scope of this API', declared))
  }
}

/** Of two that the same request fits, which counts, nobody could say. */
function checkOnce(endpoints: readonly Endpoint[], path: Path, report: Report): void {
  const seen = new Set<string>()
  for (const [index, endpoint] of endpoints.entries()) {
    const name = nameOf(endpoint)
    const place = [...path, index, 'path']
    if (seen.has(name))
      report(place, `${endpoint.method} ${showValue(endpoint.path, place)} a second time`, 'each once')
    seen.add(name)
  }
}

/** However its parameters are called. */
export const nameOf = ({ method, path }: Pick<Endpoint, 'method' | 'path'>): string =>
  `${method} ${path.replaceAll(/\{[^}]*\}/g, '{}')}`
