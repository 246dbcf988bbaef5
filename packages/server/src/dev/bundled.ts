/** The blueprints that come with Sallyport, applied to a development store. */

import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { applyPlan } from '../blueprint/apply.ts'
import type { Blueprint } from '../blueprint/blueprint.ts'
import type { GeneratedSecret } from '../blueprint/execute.ts'
import { parseBlueprints } from '../blueprint/parse.ts'
import { planBlueprints } from '../blueprint/plan.ts'
import { formatProblem, type Problem } from '../blueprint/problem.ts'
import { readBlueprintFiles } from '../blueprint/read-files.ts'
import type { Effects } from '../effects.ts'
import type { OpenStore } from '../open-store.ts'
import { StoreConflict } from '../store/database.ts'

const folder = fileURLToPath(new URL('../../../../blueprints', import.meta.url))

export interface Bundled {
  readonly blueprints: readonly Blueprint[]
  /** The secrets made just now; on a second start none. */
  readonly generated: readonly GeneratedSecret[]
}

/** What an earlier start has made stays as it is, its secrets too. */
export async function applyBundled(store: OpenStore, effects: Effects): Promise<Bundled> {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
  const { files, problems } = await readBlueprintFiles(names.map((name) => join(folder, name)))
  if (problems.length > 0) throw refusal(problems)
  const parsed = parseBlueprints(files)
  if (parsed.problems) throw refusal(parsed.problems)
  const { blueprints } = parsed
  const planned = await planBlueprints(store.db, blueprints, {
    hasher: store.hasher,
    environment: process.env,
    readTextFile: (path) => readFile(path, 'utf8'),
  })
  if (planned.problems) throw refusal(planned.problems)
  const { generated } = await applyPlan(store.db, planned.plan, { ...effects, ...store })
  return { blueprints, generated }
}

const refusal = (problems: readonly Problem[]): StoreConflict =>
  new StoreConflict(`The bundled blueprints cannot be applied:\n${problems.map(formatProblem).join('\n')}`)
