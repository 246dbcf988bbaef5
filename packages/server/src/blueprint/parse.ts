/** Reads blueprint files: all of them, to declarations that hold together, or to everything that is wrong with them. */

import type { Blueprint } from './blueprint.ts'
import { checkFiles } from './check-files.ts'
import { checkPairs } from './check-pairs.ts'
import { checkShape } from './check-shape.ts'
import { checkTenant } from './check-tenant.ts'
import type { Path, Problem } from './problem.ts'
import { BlueprintFile } from './schema.ts'
import { readYaml } from './yaml-source.ts'

export interface NamedText {
  /** As people know it, a path: `from_file` is read relative to its folder. */
  readonly name: string
  readonly text: string
}

export type ParsedBlueprints =
  | { readonly blueprints: readonly Blueprint[]; readonly problems?: undefined }
  | { readonly blueprints?: undefined; readonly problems: readonly Problem[] }

/** Touches nothing and reads nothing but the texts. */
export function parseBlueprints(files: readonly NamedText[]): ParsedBlueprints {
  const problems: Problem[] = []
  const blueprints = files.flatMap((file) => parseOne(file, problems))
  problems.push(...checkFiles(blueprints), ...checkPairs(blueprints))
  return problems.length > 0 ? { problems: inOrder(problems, files) } : { blueprints }
}

function parseOne({ name, text }: NamedText, problems: Problem[]): Blueprint[] {
  const reading = readYaml(name, text)
  if ('problems' in reading) {
    problems.push(...reading.problems)
    return []
  }
  const { source } = reading
  const before = problems.length
  const report = (path: Path, found: string, expected: string) => {
    problems.push(source.problem(path, found, expected))
  }
  checkShape(BlueprintFile, source.value, report)
  if (problems.length > before) return []
  const file = source.value as BlueprintFile
  for (const [index, tenant] of file.tenants.entries()) checkTenant(tenant, ['tenants', index], report)
  return [{ source, file }]
}

const inOrder = (problems: readonly Problem[], files: readonly NamedText[]): Problem[] => {
  const rank = new Map(files.map(({ name }, index) => [name, index]))
  const rankOf = ({ file }: Problem) => rank.get(file) ?? 0
  return problems.toSorted((one, other) => rankOf(one) - rankOf(other) || one.line - other.line)
}
