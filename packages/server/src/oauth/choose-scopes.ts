/** The scopes of a token: what was asked for, or the app's default, held against app, API and plan. */

import { parseScope, refuse, scopeCovers } from '@sallyport/protocol'
import { type CompiledAppSettings, compileScopes, type GrantedScopes } from '../apps/app-settings.ts'
import type { Api, Plan } from '../tenants/tenant.ts'

const nothing = compileScopes([])

const noLimits: readonly GrantedScopes[] = []

/**
 * RFC 6749 §3.3. Who must all agree to a scope: the API declares it, the plan allows it, the app is granted it, and what
 * the request came with holds it: `limits`.
 */
export function chooseScopes(
  asked: string | undefined,
  api: Api,
  plan: Plan | null,
  app: CompiledAppSettings,
  limits: readonly GrantedScopes[] = noLimits,
): readonly string[] {
  const granted = app.scopesByApi.get(api.id) ?? nothing
  const ofPlan = limitOf(plan?.scopesByApi ?? null, api)
  return asked === undefined
    ? defaultScopes(app.defaultScopes, granted, limits.length === 0 ? ofPlan : [...limits, ...ofPlan], api)
    : askedScopes(parseScope(asked), limits.length === 0 ? [granted] : [granted, ...limits], ofPlan, api)
}

/** Whether a token has no scope only because the plan leaves nothing of what the app would get without asking. */
export const isBarredByPlan = (api: Api, plan: Plan | null, app: CompiledAppSettings): boolean =>
  chooseScopes(undefined, api, plan, app).length === 0 && chooseScopes(undefined, api, null, app).length > 0

/** What a list of scopes by API leaves of one API's: nothing, unless it stands there. Null limits nothing. */
export const limitOf = (
  scopesByApi: ReadonlyMap<string, GrantedScopes> | null,
  api: Api,
): readonly GrantedScopes[] => (scopesByApi === null ? noLimits : [scopesByApi.get(api.id) ?? nothing])

/** Of scopes that somebody else has named for the client: those that it is granted. */
export function grantedOf(
  scopes: readonly string[],
  api: Api,
  plan: Plan | null,
  app: CompiledAppSettings,
  limits: readonly GrantedScopes[],
): readonly string[] {
  const sets = [app.scopesByApi.get(api.id) ?? nothing, api.scopes, ...limits]
  const granted = scopes.filter((scope) => sets.every(({ set }) => set.covers(scope)))
  if (granted.length === 0) refuse('invalid_scope', 'none of the scopes named for the app is granted to it')
  const ofPlan = limitOf(plan?.scopesByApi ?? null, api)
  const left = granted.filter((scope) => ofPlan.every(({ set }) => set.covers(scope)))
  if (left.length === 0) refuse('invalid_scope', 'all scopes named for the app are outside the plan')
  return [...new Set(left)]
}

/** An omitted scope means the app's default scopes, or else all that it is granted on the API. */
function defaultScopes(
  preferred: readonly string[] | null,
  granted: GrantedScopes,
  allowed: readonly GrantedScopes[],
  api: Api,
): readonly string[] {
  const own = preferred === null ? granted.granted : preferred.filter((scope) => granted.set.covers(scope))
  let scopes = own.flatMap((scope) => within(scope, api.scopes))
  for (const limit of allowed) scopes = scopes.flatMap((scope) => within(scope, limit))
  // A wildcard may stand for a scope that is granted by name as well.
  return scopes.length === 1 ? scopes : [...new Set(scopes)]
}

/** A wildcard that is not held as such stands for the held scopes below it. */
const within = (scope: string, held: GrantedScopes): readonly string[] =>
  held.set.covers(scope) ? [scope] : held.granted.filter((one) => scopeCovers(scope, one))

/** What was asked for is granted whole or refused whole: a client never gets less than it thinks it has. */
function askedScopes(
  scopes: readonly string[],
  granted: readonly GrantedScopes[],
  ofPlan: readonly GrantedScopes[],
  api: Api,
): readonly string[] {
  // Not shown: an unknown name may be a secret in the wrong place, and the log would keep it.
  if (!scopes.every((scope) => api.scopes.set.covers(scope))) {
    refuse('invalid_scope', 'scope not declared by the API')
  }
  refuseBeyond(scopes, granted, 'scope not granted')
  // Said apart, as whoever looks at the app sees the scope among what it is granted.
  refuseBeyond(scopes, ofPlan, 'scope outside the plan')
  return scopes
}

function refuseBeyond(scopes: readonly string[], held: readonly GrantedScopes[], why: string): void {
  const beyond = scopes.find((scope) => !held.every(({ set }) => set.covers(scope)))
  if (beyond !== undefined) refuse('invalid_scope', `${why}: ${beyond.slice(0, 100)}`)
}
