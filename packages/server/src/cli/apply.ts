/** `sallyport apply FILE…`: checks blueprints, shows what they would change, and does it in one transaction. */

import type { Command } from 'commander'
import { applyPlan } from '../blueprint/apply.ts'
import type { GeneratedSecret } from '../blueprint/execute.ts'
import { formatPlan } from '../blueprint/format-plan.ts'
import { type Plan, PlanOutdated } from '../blueprint/plan.ts'
import { systemEffects } from '../effects.ts'
import type { OpenStore } from '../open-store.ts'
import { commandActor } from './actor.ts'
import { confirm } from './manage/confirm.ts'
import { type PlanFilesOptions, planJson, planOptions, print, printLines, withPlan } from './plan-files.ts'
import { locateStore, placeOf } from './store-options.ts'
import { table } from './table.ts'

interface ApplyOptions extends PlanFilesOptions {
  readonly dryRun?: boolean
  readonly yes?: boolean
}

export function registerApply(command: Command): void {
  command
    .option('--dry-run', 'show the changes and make none')
    .option('--yes', 'do not ask, whatever --prune removes')
  planOptions(command).action(async (names: string[], options: ApplyOptions) => {
    const isDry = options.dryRun === true
    const asks = options.prune === true && !options.yes
    process.exitCode = await withPlan(names, options, { isDry, mayMigrate: !isDry && !asks }, (plan, store) =>
      apply(plan, store, options),
    )
  })
}

async function apply(plan: Plan, store: OpenStore | null, options: ApplyOptions): Promise<number> {
  if (!options.json) printLines(formatPlan(plan))
  const isDry = options.dryRun === true || store === null
  if (!isDry && !options.yes) await confirmRemovals(plan, options)
  try {
    const { generated } = isDry
      ? { generated: [] }
      : await applyPlan(store.db, plan, { ...store, ...systemEffects }, commandActor('apply'))
    if (options.json) print(JSON.stringify(planJson(plan, !isDry, generated), null, 2))
    else if (generated.length > 0) print(`\n${secretsTable(generated)}`)
    return 0
  } catch (error) {
    if (!(error instanceof PlanOutdated)) throw error
    process.stderr.write(`${error.message}\n`)
    return 1
  }
}

const mostNamed = 3

async function confirmRemovals({ steps, blueprints }: Plan, options: ApplyOptions): Promise<void> {
  const removed = steps.flatMap((step) => (step.sign === '-' ? [step.stored] : []))
  if (removed.length === 0) return
  const named = removed.slice(0, mostNamed).map(({ noun, address }) => `${noun} ${address}`)
  const more = removed.length - named.length
  const whose = blueprints.map(({ file }) => file.blueprint).join(' ')
  const what = [...named, ...(more > 0 ? [`${more} more`] : [])].join(', ')
  await confirm(`--prune removes ${what}.`, whose, placeOf(await locateStore(options)))
}

/** The one place that ever shows these secrets to people. */
function secretsTable(generated: readonly GeneratedSecret[]): string {
  const rows = generated.map(({ tenantId, appId, credentialId, clientId, clientSecret }) => [
    ...[`${tenantId}/${appId}`, credentialId, clientId, clientSecret],
  ])
  const secrets = table([['APP', 'CREDENTIAL', 'CLIENT ID', 'CLIENT SECRET'], ...rows])
  return `${secrets}\nKeep these secrets now: they will not be shown again.`
}
