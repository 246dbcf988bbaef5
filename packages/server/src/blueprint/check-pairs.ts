/** Tenants that are a pair: one is for tests and the other is live, as far as the files declare both. */

import type { Blueprint } from './blueprint.ts'
import type { Problem } from './problem.ts'

export function checkPairs(blueprints: readonly Blueprint[]): Problem[] {
  const tenants = new Map(blueprints.flatMap(({ file }) => file.tenants.map((one) => [one.id, one] as const)))
  return blueprints.flatMap(({ source, file }) =>
    file.tenants.flatMap(({ environment, pair = '' }, index) => {
      const other = tenants.get(pair)
      if (other === undefined || other.environment !== environment) return []
      const expected = `a tenant that is ${environment === 'test' ? 'live' : 'for tests'}`
      return [
        source.problem(['tenants', index, 'pair'], `${pair}, which is ${environment} as well`, expected),
      ]
    }),
  )
}
