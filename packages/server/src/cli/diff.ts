/** `sallyport diff FILE…`: what `apply` would change, with every value. It changes nothing; its exit status is the answer. */

import type { Command } from 'commander'
import { formatDiff } from '../blueprint/format-plan.ts'
import type { Plan } from '../blueprint/plan.ts'
import { type PlanFilesOptions, planJson, planOptions, print, printLines, withPlan } from './plan-files.ts'

export function registerDiff(command: Command): void {
  planOptions(command).action(async (names: string[], options: PlanFilesOptions) => {
    process.exitCode = await withPlan(names, options, { isDry: true, mayMigrate: false }, (plan) =>
      diff(plan, options),
    )
  })
}

async function diff(plan: Plan, { json }: PlanFilesOptions): Promise<number> {
  if (json) print(JSON.stringify(planJson(plan, false, []), null, 2))
  else printLines(formatDiff(plan))
  return plan.steps.length === 0 ? 0 : 1
}
