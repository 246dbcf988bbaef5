/**
 * What an organization may not give its own apps: the provider's people do. Scopes it takes from its plan; an app that
 * introspects or exchanges tokens sees or speaks for others.
 */

import { createScopeSet } from '@sallyport/protocol'
import type { AppSettings } from '../apps/settings.ts'
import type { PlanSettings } from '../tenants/settings.ts'
import { permissionsAt, requirePermission } from './authorize.ts'
import type { Caller } from './caller.ts'
import type { Place } from './operation.ts'
import { refuseWith } from './problem.ts'

const granting = 'grant_app_privileges'

/** What an organization sets on its own apps, beside their names: how they prove themselves and how tokens look. */
const own: ReadonlySet<keyof AppSettings> = new Set([
  ...(['scopes', 'default_api', 'default_scopes', 'client_authentication', 'assertion_algorithms'] as const),
  ...(['sender_constraint', 'dialect', 'token_type', 'token_reuse'] as const),
])

interface AppChange {
  readonly place: Place
  readonly before: AppSettings
  readonly after: AppSettings
  readonly plan: PlanSettings | null
}

/** Throws `forbidden` where the change gives what the caller cannot give there. What was given before may stay. */
export function checkAppPrivileges(caller: Caller, { place, before, after, plan }: AppChange): void {
  if (permissionsAt(caller, place).has(granting) && caller.scopes.has(granting)) return
  const changed = changedNames(before, after)
  const loosens = before.sender_constraint !== undefined && changed.includes('sender_constraint')
  if (loosens || changed.some((name) => !own.has(name))) requirePermission(caller, granting, place)
  for (const [api, scopes] of Object.entries(after.scopes ?? {})) {
    const known = createScopeSet([...scopesOf(before.scopes, api), ...scopesOf(plan?.scopes, api)])
    const beyond = scopes.find((scope) => !known.covers(scope))
    if (beyond !== undefined) {
      refuseWith('forbidden', {
        detail: `${whyBeyond(plan, `${beyond} of ${api}`)}; who has ${granting} can give it.`,
        isDenial: true,
      })
    }
  }
}

function whyBeyond(plan: PlanSettings | null, scope: string): string {
  if (plan === null)
    return `The organization has no plan, so it gives its apps no scopes itself, nor ${scope}`
  if (plan.scopes === undefined)
    return `The organization's plan names no scopes that it may give its apps itself, nor ${scope}`
  return `The scope ${scope} is not in the organization's plan`
}

/** What was taken away too: a limit that is gone is a gift. */
const changedNames = (before: AppSettings, after: AppSettings): readonly (keyof AppSettings)[] => {
  const names = Object.keys({ ...before, ...after }) as (keyof AppSettings)[]
  return names.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
}

/** An API may be called what every object has a member of. */
const scopesOf = (byApi: AppSettings['scopes'], api: string): readonly string[] =>
  byApi !== undefined && Object.hasOwn(byApi, api) ? (byApi[api] ?? []) : []
