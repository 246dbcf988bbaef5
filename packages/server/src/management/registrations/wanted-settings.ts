/** From what a client asks to be to the settings of its app, within what its initial access token and its plan give. */

import { createScopeSet } from '@sallyport/protocol'
import { authenticationMethods, defaultAuthenticationMethods } from '../../apps/authentication-methods.ts'
import type { WantedApp } from '../../apps/registration.ts'
import type { AppSettings } from '../../apps/settings.ts'
import type { PlanSettings } from '../../tenants/settings.ts'
import { type KeptTerms, scopesOf } from '../registration-terms.ts'
import { refuseMetadata } from './refusals.ts'

type Scopes = NonNullable<AppSettings['scopes']>

/** Of a new app. */
export function newSettings(wanted: WantedApp, terms: KeptTerms, plan: PlanSettings | null): AppSettings {
  checkMethod(wanted, terms)
  const constraint = terms.sender_constraint ?? wanted.constraint
  if (wanted.constraint !== null && constraint !== wanted.constraint) refuseOtherConstraint(terms)
  return {
    client_authentication: [wanted.method],
    ...(wanted.assertionAlgorithms && { assertion_algorithms: wanted.assertionAlgorithms }),
    ...scopeSettings(chooseScopes(wanted.scopes, givenScopes(terms, plan)), {}),
    ...(constraint !== null && { sender_constraint: constraint }),
  }
}

/** Never more scopes than it has: who narrowed them meant it, and nobody would know whether it was the app itself. */
export function changedSettings(wanted: WantedApp, before: AppSettings, terms: KeptTerms): AppSettings {
  const isSameMethod = wanted.method === methodOf(before)
  if (!isSameMethod) checkOtherMethod(wanted, before, terms)
  const { sender_constraint: constraint } = before
  const isBound = constraint === 'dpop' || constraint === 'mtls'
  if (isBound && wanted.constraint !== constraint) refuseOtherConstraint(before)
  return {
    ...keptSettings(before, { scopes: wanted.scopes === null, algorithms: isSameMethod }),
    ...(!isSameMethod && { client_authentication: [wanted.method] }),
    ...(wanted.assertionAlgorithms && { assertion_algorithms: wanted.assertionAlgorithms }),
    ...(wanted.scopes !== null && scopeSettings(chooseScopes(wanted.scopes, before.scopes ?? {}), before)),
    ...(wanted.constraint !== null && { sender_constraint: wanted.constraint }),
  }
}

/** What its metadata names: an app that people have changed may have several. */
export const methodOf = ({ client_authentication: methods }: AppSettings) =>
  methods?.[0] ?? defaultAuthenticationMethods[0] ?? 'client_secret_basic'

function checkMethod({ method }: WantedApp, { client_authentication: allowed }: KeptTerms): void {
  if (allowed !== undefined && !allowed.some((name) => name === method))
    refuseMetadata(`token_endpoint_auth_method: this registration token takes ${allowed.join(', ')}.`)
}

/** No way back to a secret: who had people's keys demanded, or its secret taken, would otherwise make itself a new one. */
function checkOtherMethod(wanted: WantedApp, before: AppSettings, terms: KeptTerms): void {
  checkMethod(wanted, terms)
  if (needsSecret(wanted.method) && !needsSecret(methodOf(before)))
    refuseMetadata(`token_endpoint_auth_method: must be ${methodOf(before)}, or another with a key.`)
}

const needsSecret = (method: WantedApp['method']): boolean => authenticationMethods[method].needs === 'secret'

function refuseOtherConstraint({ sender_constraint: constraint }: Pick<AppSettings, 'sender_constraint'>) {
  const member =
    constraint === 'dpop' ? 'dpop_bound_access_tokens' : 'tls_client_certificate_bound_access_tokens'
  refuseMetadata(`${member}: must be true here, and the other one must not.`)
}

/** A plan with scopes bounds whatever was given; without one, only what somebody gave who can give more than plans. */
function givenScopes({ scopes = {}, is_granted: isGranted }: KeptTerms, plan: PlanSettings | null): Scopes {
  if (plan?.scopes === undefined) return isGranted ? scopes : {}
  const within = Object.entries(scopes).map(([api, wanted]) => {
    const set = createScopeSet(scopesOf(plan.scopes, api))
    return [api, wanted.filter((scope) => set.covers(scope))] as const
  })
  return withoutEmpty(within)
}

/** All that is given where nothing is asked; RFC 7591 §2 leaves the choice to the server. */
function chooseScopes(wanted: readonly string[] | null, given: Scopes): Scopes {
  if (wanted === null) return given
  const sets = Object.entries(given).map(([api, scopes]) => [api, createScopeSet(scopes)] as const)
  const isWithin = wanted.every((scope) => sets.some(([, set]) => set.covers(scope)))
  if (!isWithin)
    refuseMetadata(`scope: this client can have ${Object.values(given).flat().join(' ') || 'none'}.`)
  return withoutEmpty(sets.map(([api, set]) => [api, wanted.filter((scope) => set.covers(scope))]))
}

const withoutEmpty = (entries: readonly (readonly [string, readonly string[]])[]): Scopes =>
  Object.fromEntries(
    entries.filter(([, scopes]) => scopes.length > 0).map(([api, scopes]) => [api, [...scopes]]),
  )

/** What stood beside the scopes before holds as far as there is still something for it to name. */
function scopeSettings(scopes: Scopes, before: AppSettings): AppSettings {
  const apis = Object.keys(scopes)
  const { default_api: wasDefault = '', default_scopes: defaults } = before
  const defaultApi = apis.includes(wasDefault) ? wasDefault : apis.length > 1 ? apis[0] : undefined
  const set = createScopeSet(Object.values(scopes).flat())
  return {
    scopes,
    ...(defaultApi !== undefined && { default_api: defaultApi }),
    ...(defaults && { default_scopes: defaults.filter((scope) => set.covers(scope)) }),
  }
}

/** Without what is said anew, or was said of a method that is gone. */
function keptSettings(
  before: AppSettings,
  keeps: Readonly<Record<'scopes' | 'algorithms', boolean>>,
): AppSettings {
  const gone = new Set<string>([
    ...(keeps.scopes ? [] : ['scopes', 'default_api', 'default_scopes']),
    ...(keeps.algorithms ? [] : ['assertion_algorithms']),
  ])
  return Object.fromEntries(Object.entries(before).filter(([name]) => !gone.has(name)))
}
