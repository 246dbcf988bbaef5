/** Blueprint files as a plan for the store that a command names: what `apply` and `diff` both begin with. */

import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { Blueprint } from '../blueprint/blueprint.ts'
import type { GeneratedSecret } from '../blueprint/execute.ts'
import { parseBlueprints } from '../blueprint/parse.ts'
import { type Plan, type Planned, planBlueprints } from '../blueprint/plan.ts'
import { formatProblem, formatWarning, type Problem } from '../blueprint/problem.ts'
import { readBlueprintFiles } from '../blueprint/read-files.ts'
import type { StoreSettings } from '../config.ts'
import { isNewStore, type OpenStore } from '../open-store.ts'
import { StoreEmpty } from '../store/database.ts'
import { isAllowedBy } from './outbound.ts'
import { terminalText } from './standard-input.ts'
import { locateStore, type StoreOptions, storeOptions, withStore } from './store-options.ts'

export interface PlanFilesOptions extends StoreOptions {
  readonly prune?: boolean
  readonly adopt?: boolean
}

export const planOptions = (command: Command): Command =>
  storeOptions(
    command
      .option('--prune', 'also remove what these blueprints once made and no longer declare')
      .option('--adopt', 'also take into these blueprints what they declare and no blueprint has made')
      .option('--json', 'print JSON'),
  )

export interface PlanUse {
  /** Changes nothing, and so makes no database. */
  readonly isDry: boolean
  /** Not where somebody may still say no to the plan: it can only be made for the schema of this release. */
  readonly mayMigrate: boolean
}

/** An exit status: that of `use`, or 2 for files that are refused. `use` gets no store where there is none yet. */
export async function withPlan(
  names: readonly string[],
  options: PlanFilesOptions,
  { isDry, mayMigrate }: PlanUse,
  use: (plan: Plan, store: OpenStore | null) => Promise<number>,
): Promise<number> {
  const read = await readBlueprintFiles(names)
  const { blueprints, problems: parsed = [] } = parseBlueprints(read.files)
  const problems = [...read.problems, ...parsed]
  if (!blueprints || problems.length > 0) return refuse(problems, options)
  const settings = await locateStore(options)
  const planIn = async (store: OpenStore | null) => {
    const { plan, problems: found } = await planFor(store, blueprints, settings, options)
    if (!plan) return refuse(found, options)
    for (const warning of plan.warnings) process.stderr.write(`${formatWarning(warning)}\n`)
    return use(plan, store)
  }
  // A dry run leaves nothing behind, not even an empty database.
  if (isDry && isNewStore(settings)) return planIn(null)
  try {
    return await withStore(options, planIn, { mayCreate: !isDry, mayMigrate, isWriting: true })
  } catch (error) {
    if (isDry && error instanceof StoreEmpty) return planIn(null)
    throw error
  }
}

const planFor = (
  store: OpenStore | null,
  blueprints: readonly Blueprint[],
  settings: StoreSettings,
  { prune = false, adopt = false }: PlanFilesOptions,
): Promise<Planned> =>
  planBlueprints(store?.db ?? null, blueprints, {
    ...{ prune, adopt, isAllowedAddress: isAllowedBy(settings) },
    hasher: store?.hasher ?? { compute: () => null },
    environment: process.env,
    readTextFile: (path) => readFile(path, 'utf8'),
  })

function refuse(problems: readonly Problem[], { json }: PlanFilesOptions): number {
  if (json) print(JSON.stringify({ applied: false, problems }, null, 2))
  else process.stderr.write(`${problems.map(formatProblem).join('\n')}\nNothing was changed.\n`)
  return 2
}

export const print = (text: string): boolean => process.stdout.write(`${text}\n`)

/** What is shown of a store was written by its customers too. */
export const printLines = (text: string): boolean => print(text.split('\n').map(terminalText).join('\n'))

const actions = { '+': 'add', '~': 'change', '-': 'remove' } as const

export const planJson = (
  { steps, left, warnings }: Plan,
  applied: boolean,
  generated: readonly GeneratedSecret[],
): object => ({
  applied,
  warnings,
  changes: steps.map(changeJson),
  left: left.map(({ noun, address }) => ({ noun, address })),
  generated: generated.map((one) => ({
    tenant: one.tenantId,
    app: one.appId,
    credential: one.credentialId,
    client_id: one.clientId,
    client_secret: one.clientSecret,
  })),
})

function changeJson(step: Plan['steps'][number]): object {
  const { noun, address } = step.sign === '-' ? step.stored : step.declared
  const action = actions[step.sign]
  if (step.sign !== '~') return { action, noun, address, notes: [] }
  const differences = step.differences.map(({ path, before, after }) => ({
    ...{ path, before: jsonValue(before), after: jsonValue(after) },
  }))
  return { action, noun, address, notes: step.notes, differences }
}

const jsonValue = (json: string | undefined): unknown => (json === undefined ? null : JSON.parse(json))
