/** Scopes granted by API: the API exists, and every scope is one that it declares. */

import { scopeCovers } from '@sallyport/protocol'
import { oneOf } from './one-of.ts'
import { type Path, type Report, showValue } from './problem.ts'
import type { ApiEntry } from './schema.ts'

export function checkGrants(
  grants: Readonly<Record<string, readonly string[]>>,
  apis: readonly ApiEntry[],
  path: Path,
  report: Report,
): void {
  for (const [apiId, scopes] of Object.entries(grants)) {
    const api = apis.find(({ id }) => id === apiId)
    if (!api) {
      report(
        [...path, apiId],
        'an API that is not declared',
        oneOf(
          'an API of this tenant',
          apis.map(({ id }) => id),
        ),
      )
      continue
    }
    const declared = Object.keys(api.scopes)
    for (const [index, scope] of scopes.entries()) {
      const place = [...path, apiId, index]
      if (!isDeclared(scope, declared))
        report(place, showValue(scope, place), oneOf(`a scope of API ${apiId}`, declared))
      else if (scopes.indexOf(scope) < index)
        report(place, `${showValue(scope, place)} a second time`, 'each scope once')
    }
  }
}

/** Literally, through a wildcard of the API, or as a wildcard over scopes that it declares. */
const isDeclared = (scope: string, declared: readonly string[]): boolean =>
  declared.some((candidate) => scopeCovers(candidate, scope) || scopeCovers(scope, candidate))
