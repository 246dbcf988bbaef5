/** What only all files together can tell: no tenant and no host stands in two places. */

import type { Blueprint } from './blueprint.ts'
import { type Path, type Problem, showValue } from './problem.ts'

export function checkFiles(blueprints: readonly Blueprint[]): Problem[] {
  const problems: Problem[] = []
  const tenants = new Map<string, string>()
  const hosts = new Map<string, string>()
  const claim = (
    taken: Map<string, string>,
    { source }: Blueprint,
    value: string,
    path: Path,
    holder: string,
  ) => {
    const before = taken.get(value)
    if (before === undefined) taken.set(value, holder)
    else
      problems.push(
        source.problem(path, `${showValue(value, path)}, which ${before} already is`, 'one that is free'),
      )
  }
  for (const blueprint of blueprints) {
    for (const [index, tenant] of blueprint.file.tenants.entries()) {
      const path = ['tenants', index]
      claim(tenants, blueprint, tenant.id, [...path, 'id'], `a tenant in ${blueprint.source.file}`)
      for (const [at, host] of (tenant.hosts ?? []).entries()) {
        claim(hosts, blueprint, host, [...path, 'hosts', at], `a host of tenant ${tenant.id}`)
      }
    }
  }
  return problems
}
