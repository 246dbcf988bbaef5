/** What apps may have at most that are registered with one initial access token: never more than their organization's plan. */

import { createScopeSet } from '@sallyport/protocol'
import { type Static, Type } from 'typebox'
import { authenticationMethodNames, authenticationMethods } from '../apps/authentication-methods.ts'
import type { PlanSettings } from '../tenants/settings.ts'
import { ScopesByApi } from '../tenants/settings.ts'
import { refuseWith } from './problem.ts'
import { closed } from './shapes.ts'

/** Those that metadata has a name for; a client by name alone is no client that anybody could tell from another. */
const methods = authenticationMethodNames.filter((name) => authenticationMethods[name].isStandard)

export const registrationTerms = {
  /** All that the tenant takes, unless it stands here. */
  client_authentication: Type.Optional(Type.Array(Type.Enum(methods), { minItems: 1 })),
  /** None, unless they stand here. */
  scopes: Type.Optional(ScopesByApi),
  /** What every app must bind its tokens to. */
  sender_constraint: Type.Optional(Type.Enum(['dpop', 'mtls'])),
}
export const RegistrationTerms = Type.Object(registrationTerms, closed)
export type RegistrationTerms = Static<typeof RegistrationTerms>

/** As they are kept. */
export interface KeptTerms extends RegistrationTerms {
  /** Whether somebody who can give more than a plan has given them; without a plan's scopes they are nothing otherwise. */
  readonly is_granted: boolean
}

/** Throws `invalid_body` for a scope that a plan with scopes does not have. */
export function checkWithinPlan({ scopes = {} }: RegistrationTerms, plan: PlanSettings | null): void {
  if (plan?.scopes === undefined) return
  const beyond = Object.entries(scopes).flatMap(([api, wanted]) => {
    const given = createScopeSet(scopesOf(plan.scopes, api))
    return wanted.flatMap((scope, index) =>
      given.covers(scope) ? [] : [{ pointer: `/scopes/${api}/${index}`, ...misfit }],
    )
  })
  if (beyond.length > 0) refuseWith('invalid_body', { misfits: beyond })
}

const misfit = { found: 'a scope beyond the plan', expected: 'one that the organization’s plan has' }

/** An API may be called what every object has a member of. */
export const scopesOf = (byApi: RegistrationTerms['scopes'], api: string): readonly string[] =>
  byApi !== undefined && Object.hasOwn(byApi, api) ? (byApi[api] ?? []) : []
