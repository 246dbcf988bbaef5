/** What a plan leaves of the scopes that an app is granted, for whoever wonders why its tokens open nothing. */

import { createScopeSet, scopeCovers } from '@sallyport/protocol'
import type { PlanSettings } from './settings.ts'

type ScopesByApi = Readonly<Record<string, readonly string[]>>
type PlanScopes = Pick<PlanSettings, 'scopes'> | null

/** The APIs of which the app is granted something, and the plan leaves nothing. */
export const barredApis = (granted: ScopesByApi, plan: PlanScopes): readonly string[] =>
  Object.keys(granted).filter((apiId) => {
    const own = scopesOf(granted, apiId)
    const allowed = plan?.scopes && scopesOf(plan.scopes, apiId)
    return own.length > 0 && allowed !== undefined && !own.some((scope) => overlaps(scope, allowed))
  })

/** Whether the app would have the scope, were it on another plan. */
export const isOutsidePlan = (
  scope: string,
  apiId: string,
  granted: ScopesByApi,
  plan: PlanScopes,
): boolean =>
  plan?.scopes !== undefined &&
  createScopeSet(scopesOf(granted, apiId)).covers(scope) &&
  !createScopeSet(scopesOf(plan.scopes, apiId)).covers(scope)

/** A wildcard of either stands for what the other names below it. */
const overlaps = (scope: string, allowed: readonly string[]): boolean =>
  allowed.some((one) => scopeCovers(one, scope) || scopeCovers(scope, one))

/** An API may be called what every object has a member of. */
const scopesOf = (byApi: ScopesByApi, apiId: string): readonly string[] =>
  Object.hasOwn(byApi, apiId) ? (byApi[apiId] ?? []) : []

export const barredSentence = (planId: string, apiId: string): string =>
  `Plan ${planId} leaves nothing of ${apiId}: what this app is granted there is no part of its tokens.`
