/** The scopes of a token: what was asked for, or the app's default, held against app, API and plan. */

import { parseScope, refuse, scopeCovers } from '@sallyport/protocol'
import type { CompiledAppSettings, GrantedScopes } from '../apps/app-settings.ts'
import type { Api, Plan } from '../tenants/tenant.ts'

/**
 * RFC 6749 §3.3: an omitted scope means the app's default scopes, or else all that it is granted on the API.
 * What was asked for is granted whole or refused whole: a client never gets less than it thinks it has.
 */
export function chooseScopes(
  asked: string | undefined,
  api: Api,
  plan: Plan | null,
  app: CompiledAppSettings,
): readonly string[] {
  const granted = app.scopesByApi.get(api.id)
  const allowed = plan?.scopesByApi ? (plan.scopesByApi.get(api.id) ?? null) : undefined
  const isGranted = (scope: string) =>
    isWithin(scope, granted) && (allowed === undefined || isWithin(scope, allowed))
  if (asked === undefined) {
    const defaults = app.defaultScopes ?? granted?.granted ?? []
    // A wildcard may stand for a scope that is granted by name as well.
    return [...new Set(defaults.flatMap((scope) => declaredUnder(scope, api)))].filter(isGranted)
  }
  const scopes = parseScope(asked)
  // Not shown: an unknown name may be a secret in the wrong place, and the log would keep it.
  if (!scopes.every((scope) => isDeclared(scope, api)))
    refuse('invalid_scope', 'scope not declared by the API')
  const refused = scopes.find((scope) => !isGranted(scope))
  if (refused !== undefined) refuse('invalid_scope', `scope not granted: ${refused.slice(0, 100)}`)
  return scopes
}

/** A wildcard that the API does not declare itself stands for the declared scopes below it. */
const declaredUnder = (scope: string, api: Api): readonly string[] =>
  isDeclared(scope, api) ? [scope] : api.scopes.granted.filter((declared) => scopeCovers(scope, declared))

const isWithin = (scope: string, held: GrantedScopes | null | undefined): boolean =>
  held?.set.covers(scope) ?? false

const isDeclared = (scope: string, api: Api): boolean => api.scopes.set.covers(scope)
