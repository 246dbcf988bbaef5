/** `sallyport apply FILE…`: checks blueprints, shows what they would change, and does it in one transaction. */

import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { applyPlan, PlanOutdated } from '../blueprint/apply.ts'
import type { Blueprint } from '../blueprint/blueprint.ts'
import type { GeneratedSecret } from '../blueprint/execute.ts'
import { formatPlan } from '../blueprint/format-plan.ts'
import { parseBlueprints } from '../blueprint/parse.ts'
import { type Plan, type Planned, planBlueprints } from '../blueprint/plan.ts'
import { formatProblem, formatWarning, type Problem } from '../blueprint/problem.ts'
import { readBlueprintFiles } from '../blueprint/read-files.ts'
import { systemEffects } from '../effects.ts'
import type { OpenStore } from '../open-store.ts'
import { commandActor } from './actor.ts'
import { isNewStore, locateStore, type StoreOptions, storeOptions, withStore } from './store-options.ts'
import { table } from './table.ts'

interface ApplyOptions extends StoreOptions {
  readonly dryRun?: boolean
  readonly prune?: boolean
}

export function registerApply(program: Command): void {
  const command = program
    .command('apply <file...>')
    .description(
      'make the store as blueprint files say: checks everything, shows the changes, then makes them all or none',
    )
    .option('--dry-run', 'show the changes and make none')
    .option('--prune', 'also remove what these blueprints once made and no longer declare')
    .option('--json', 'print JSON')
  storeOptions(command).action(async (names: string[], options: ApplyOptions) => {
    process.exitCode = await apply(names, options)
  })
}

async function apply(names: readonly string[], options: ApplyOptions): Promise<number> {
  const read = await readBlueprintFiles(names)
  const parsed = parseBlueprints(read.files)
  const problems = [...read.problems, ...(parsed.problems ?? [])]
  if (!parsed.blueprints || problems.length > 0) return refuse(problems, options)
  // A dry run leaves nothing behind, not even an empty database.
  if (options.dryRun && isNewStore(locateStore(options))) return applyTo(null, parsed.blueprints, options)
  return withStore(options, (store) => applyTo(store, parsed.blueprints, options), {
    mayCreate: true,
    isWriting: true,
  })
}

async function applyTo(
  store: OpenStore | null,
  blueprints: readonly Blueprint[],
  options: ApplyOptions,
): Promise<number> {
  const { plan, problems } = await planFor(store, blueprints, options)
  if (!plan) return refuse(problems, options)
  for (const warning of plan.warnings) process.stderr.write(`${formatWarning(warning)}\n`)
  if (!options.json) print(formatPlan(plan))
  const isDry = options.dryRun === true || store === null
  try {
    const { generated } = isDry
      ? { generated: [] }
      : await applyPlan(store.db, plan, { ...store, ...systemEffects }, commandActor('apply'))
    if (options.json) print(JSON.stringify(toJson(plan, !isDry, generated), null, 2))
    else if (generated.length > 0) print(`\n${secretsTable(generated)}`)
    return 0
  } catch (error) {
    if (!(error instanceof PlanOutdated)) throw error
    process.stderr.write(`${error.message}\n`)
    return 1
  }
}

const planFor = (
  store: OpenStore | null,
  blueprints: readonly Blueprint[],
  { prune = false }: ApplyOptions,
): Promise<Planned> =>
  planBlueprints(store?.db ?? null, blueprints, {
    prune,
    hasher: store?.hasher ?? { compute: () => null },
    environment: process.env,
    readTextFile: (path) => readFile(path, 'utf8'),
  })

const print = (text: string): boolean => process.stdout.write(`${text}\n`)

function refuse(problems: readonly Problem[], { json }: ApplyOptions): number {
  if (json) print(JSON.stringify({ applied: false, problems }, null, 2))
  else process.stderr.write(`${problems.map(formatProblem).join('\n')}\nNothing was changed.\n`)
  return 2
}

/** The one place that ever shows these secrets to people. */
function secretsTable(generated: readonly GeneratedSecret[]): string {
  const rows = generated.map(({ tenantId, appId, credentialId, clientId, clientSecret }) => [
    ...[`${tenantId}/${appId}`, credentialId, clientId, clientSecret],
  ])
  const secrets = table([['APP', 'CREDENTIAL', 'CLIENT ID', 'CLIENT SECRET'], ...rows])
  return `${secrets}\nKeep these secrets now: they will not be shown again.`
}

const actions = { '+': 'add', '~': 'change', '-': 'remove' } as const

function toJson({ steps, left, warnings }: Plan, applied: boolean, generated: readonly GeneratedSecret[]) {
  return {
    applied,
    warnings,
    changes: steps.map((step) => {
      const { noun, address } = step.sign === '-' ? step.stored : step.declared
      return { action: actions[step.sign], noun, address, notes: step.sign === '~' ? step.notes : [] }
    }),
    left: left.map(({ noun, address }) => ({ noun, address })),
    generated: generated.map((one) => ({
      tenant: one.tenantId,
      app: one.appId,
      credential: one.credentialId,
      client_id: one.clientId,
      client_secret: one.clientSecret,
    })),
  }
}
