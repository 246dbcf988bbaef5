/** What every answer of the management API is made with. */

import { neverCached, type Reply } from '@sallyport/protocol'
import { entityTag } from '../entity-tag.ts'
import { authorize, checkBelongs, isHidden, seesWhole } from './authorize.ts'
import type { Caller } from './caller.ts'
import { missingDetail } from './missing.ts'
import type { From, Target } from './operation.ts'
import { refuseWith } from './problem.ts'
import type { Route } from './route.ts'

/** Finding nothing and not being allowed to know are one answer. */
export async function findTarget({ operation, params }: Route, caller: Caller, from: From): Promise<Target> {
  const { tenant = null, organization = null } = params
  checkBelongs(caller, operation, { tenantId: tenant, organizationId: organization })
  const target = await operation.find(params, from)
  // Looked for both times: what is hidden takes as long as what is missing, and is told as much of.
  const isUnseen = target === null || isHidden(caller, operation, target.place)
  const detail = isUnseen ? await missingDetail({ operation, params }, caller, from) : undefined
  // Where something may be hidden, what nobody has is recorded as what others have: it takes as long.
  if (target === null)
    refuseWith('not_found', { detail, reason: 'nothing of that name', isDenial: !seesWhole(caller, tenant) })
  authorize(caller, operation, target.place, detail)
  return target
}

/**
 * Before an answer is repeated: may they still? What was done may have given its target another name; then the place of the
 * path decides.
 */
export async function checkRepeating(route: Route, caller: Caller, from: From): Promise<void> {
  const { operation, params } = route
  const place = { tenantId: params.tenant ?? null, organizationId: params.organization ?? null }
  const isGone = (await operation.find(params, from)) === null
  if (isGone && !isHidden(caller, operation, place)) authorize(caller, operation, place)
  else await findTarget(route, caller, from)
}

export const etagOf = (value: object): string => entityTag(JSON.stringify(value))

export const reply = (
  status: number,
  value: object,
  headers: Readonly<Record<string, string>> = {},
): Reply => ({
  status,
  headers: { ...neverCached, ...headers },
  body: JSON.stringify(value),
})
