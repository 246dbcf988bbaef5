/** The scopes of a token: what was asked for, or the app's default, held against app, API and plan. */

import { parseScope, refuse, scopeCovers } from '@sallyport/protocol'
import { type CompiledAppSettings, compileScopes, type GrantedScopes } from '../apps/app-settings.ts'
import type { Api, Plan } from '../tenants/tenant.ts'

const nothing = compileScopes([])

/** RFC 6749 §3.3. Who must all agree to a scope: the API declares it, the plan allows it, the app is granted it. */
export function chooseScopes(
  asked: string | undefined,
  api: Api,
  plan: Plan | null,
  app: CompiledAppSettings,
): readonly string[] {
  const granted = app.scopesByApi.get(api.id) ?? nothing
  const allowed = plan?.scopesByApi ? (plan.scopesByApi.get(api.id) ?? nothing) : null
  return asked === undefined
    ? defaultScopes(app.defaultScopes, granted, allowed, api)
    : askedScopes(parseScope(asked), granted, allowed, api)
}

/** An omitted scope means the app's default scopes, or else all that it is granted on the API. */
function defaultScopes(
  preferred: readonly string[] | null,
  granted: GrantedScopes,
  allowed: GrantedScopes | null,
  api: Api,
): readonly string[] {
  const own = preferred === null ? granted.granted : preferred.filter((scope) => granted.set.covers(scope))
  const scopes = own
    .flatMap((scope) => within(scope, api.scopes))
    .flatMap((scope) => (allowed === null ? scope : within(scope, allowed)))
  // A wildcard may stand for a scope that is granted by name as well.
  return scopes.length === 1 ? scopes : [...new Set(scopes)]
}

/** A wildcard that is not held as such stands for the held scopes below it. */
const within = (scope: string, held: GrantedScopes): readonly string[] =>
  held.set.covers(scope) ? [scope] : held.granted.filter((one) => scopeCovers(scope, one))

/** What was asked for is granted whole or refused whole: a client never gets less than it thinks it has. */
function askedScopes(
  scopes: readonly string[],
  granted: GrantedScopes,
  allowed: GrantedScopes | null,
  api: Api,
): readonly string[] {
  // Not shown: an unknown name may be a secret in the wrong place, and the log would keep it.
  if (!scopes.every((scope) => api.scopes.set.covers(scope))) {
    refuse('invalid_scope', 'scope not declared by the API')
  }
  const refused = scopes.find((scope) => !granted.set.covers(scope) || allowed?.set.covers(scope) === false)
  if (refused !== undefined) refuse('invalid_scope', `scope not granted: ${refused.slice(0, 100)}`)
  return scopes
}
