/** Carries out a plan in one transaction, and hands back the secrets it has generated: nobody else ever sees them. */

import type { Actor } from '../store/audit-records.ts'
import { lockBlueprints, lockBlueprintTenants } from '../store/blueprint-rows.ts'
import type { Database } from '../store/database.ts'
import { type ExecuteEffects, executeSteps, type GeneratedSecret } from './execute.ts'
import { formatSteps } from './format-plan.ts'
import { compareWithStore, type Plan, PlanOutdated, queryFor } from './plan.ts'
import { recordSteps } from './record-steps.ts'

export interface Applied {
  readonly generated: readonly GeneratedSecret[]
}

export function applyPlan(
  db: Database,
  plan: Plan,
  effects: ExecuteEffects,
  by: Actor = 'server',
): Promise<Applied> {
  if (plan.steps.length === 0) return Promise.resolve({ generated: [] })
  return db.write(async (tx) => {
    const { hasher } = effects
    const { blueprints, declared, prune, adopt } = plan
    await lockBlueprints(tx, db.engine)
    await lockBlueprintTenants(tx, queryFor(blueprints))
    const current = await compareWithStore(tx, blueprints, declared, { prune, adopt, hasher })
    // Read again where nobody else can write: a secret that another run has just generated must not be replaced.
    if (current.problems.length > 0 || formatSteps(current.steps) !== formatSteps(plan.steps))
      throw new PlanOutdated()
    const { generated, clientIds } = await executeSteps(tx, current, effects)
    recordSteps(tx, current.steps, clientIds, by)
    return { generated }
  })
}
