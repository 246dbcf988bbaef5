/** Refusals at a border, in the audit chain of the tenant behind it. */

import { StoreUnavailable } from '../store/database.ts'
import type { Caller } from './caller.ts'
import type { OperationDeps } from './operation.ts'
import { pathTarget } from './path-target.ts'
import type { Problem } from './problem.ts'
import type { createRate } from './rate.ts'
import type { ManagementRequest } from './request.ts'
import type { Route } from './route.ts'

interface Refused {
  readonly route?: Route
  readonly caller?: Caller
}

interface Recording extends Pick<OperationDeps, 'db'> {
  readonly takeRefusal: ReturnType<typeof createRate>
  readonly now: number
}

const longestTarget = 200

/** trust F20: whoever knocks at a border is known to the tenant behind it. */
export async function recordRefusal(
  { id: requestId }: ManagementRequest,
  { route, caller }: Refused,
  problem: Problem | null,
  { db, takeRefusal, now }: Recording,
): Promise<void> {
  if (problem === null || !problem.isDenial || route === undefined || caller === undefined) return
  if (takeRefusal(caller.actor, now).isOver) return
  const { operation, params } = route
  try {
    await db.write(async (tx) => {
      const { tenant = null } = params
      tx.audit({
        ...{ tenantId: tenant, actor: caller.actor, action: operation.id, requestId, outcome: 'refused' },
        target: pathTarget(params).slice(0, longestTarget),
        reason: problem.message,
      })
    })
  } catch (error) {
    // The refusal stands without it.
    if (!(error instanceof StoreUnavailable)) throw error
  }
}
