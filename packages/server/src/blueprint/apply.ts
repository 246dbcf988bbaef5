/** Carries out a plan in one transaction, and hands back the secrets it has generated: nobody else ever sees them. */

import type { Actor } from '../store/audit-records.ts'
import { lockBlueprints, lockBlueprintTenants } from '../store/blueprint-rows.ts'
import type { Database, WriteTransaction } from '../store/database.ts'
import type { Comparison } from './compare.ts'
import { executeSteps, type GeneratedSecret } from './execute.ts'
import { formatSteps } from './format-plan.ts'
import { type MakeEffects, makeNew } from './make-new.ts'
import { compareWithStore, type Plan, PlanOutdated, queryFor } from './plan.ts'
import { recordSteps } from './record-steps.ts'

export interface Applied {
  readonly generated: readonly GeneratedSecret[]
}

export async function applyPlan(
  db: Database,
  plan: Plan,
  effects: MakeEffects,
  by: Actor = 'server',
): Promise<Applied> {
  if (plan.steps.length === 0) return { generated: [] }
  const made = makeNew(plan, effects)
  return db.write(async (tx) => {
    await lockBlueprints(tx, db.engine)
    await lockBlueprintTenants(tx, queryFor(plan.blueprints))
    const current = await compareAgain(tx, plan, effects)
    const clientIds = await executeSteps(tx, current, made, effects.sealer)
    recordSteps(tx, current.steps, clientIds, by)
    return { generated: made.secrets }
  })
}

/** Where nobody else can write: a secret that another run has just generated must not be replaced. */
async function compareAgain(tx: WriteTransaction, plan: Plan, { hasher }: MakeEffects): Promise<Comparison> {
  const { blueprints, declared, prune, adopt } = plan
  const current = await compareWithStore(tx, blueprints, declared, { prune, adopt, hasher })
  if (current.problems.length > 0 || formatSteps(current.steps) !== formatSteps(plan.steps))
    throw new PlanOutdated()
  return current
}
