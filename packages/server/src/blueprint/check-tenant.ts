/** What one tenant's declaration must hold beyond its shape: names are free, references exist, bounds agree. */

import { defaultLifetime } from '../tenants/lifetime.ts'
import { checkApps } from './check-apps.ts'
import { checkAttributes } from './check-attributes.ts'
import { checkDialect } from './check-dialect.ts'
import { checkEndpoints } from './check-endpoints.ts'
import { checkFapi } from './check-fapi.ts'
import { checkGrants } from './check-grants.ts'
import { checkLimits } from './check-limits.ts'
import { checkTokenExchange } from './check-token-exchange.ts'
import { checkTrustedIssuers } from './check-trusted-issuers.ts'
import { checkUnique } from './check-unique.ts'
import { oneOf } from './one-of.ts'
import { type Path, type Report, showValue } from './problem.ts'
import type { ApiEntry, TenantEntry } from './schema.ts'

/** They would hide the server's own paths; settled for good, because a tenant's id is part of its issuer. */
export const reservedTenantIds: ReadonlySet<string> = new Set([
  ...['manage', 'oauth2', 'auth', 'livez', 'readyz', 'metrics', 'system', '.well-known', 'assets'],
  'secret-scanning',
])

export interface CheckOptions {
  /** Whether an app may be declared first and get what it proves itself with later. */
  readonly credentialsMayFollow?: boolean
}

export function checkTenant(
  tenant: TenantEntry,
  path: Path,
  report: Report,
  { credentialsMayFollow = false }: CheckOptions = {},
): void {
  if (reservedTenantIds.has(tenant.id)) {
    report([...path, 'id'], `${showValue(tenant.id, path)}, a path of the server itself`, 'another id')
  }
  const { apis = [], plans = [], organizations = [] } = tenant
  checkUnique(apis, 'id', [...path, 'apis'], report)
  checkUnique(apis, 'audience', [...path, 'apis'], report)
  checkResources(apis, [...path, 'apis'], report)
  checkUnique(plans, 'id', [...path, 'plans'], report)
  checkUnique(organizations, 'id', [...path, 'organizations'], report)
  checkBounds(tenant, path, report)
  checkDialect(tenant.dialect ?? {}, [...path, 'dialect'], report)
  for (const [index, plan] of plans.entries()) {
    checkGrants(plan.scopes ?? {}, apis, [...path, 'plans', index, 'scopes'], report)
  }
  checkTokenFormats(apis, [...path, 'apis'], report)
  checkEndpoints(apis, [...path, 'apis'], report)
  checkPlanReferences(tenant, path, report)
  checkLimits(tenant, path, report)
  checkApps(tenant, path, report, credentialsMayFollow)
  checkAttributes(tenant, path, report)
  checkTokenExchange(tenant, path, report)
  checkTrustedIssuers(tenant, path, report)
  checkFapi(tenant, path, report)
}

/** RFC 8707 §2: what clients ask for is one API. */
function checkResources(apis: readonly ApiEntry[], path: Path, report: Report): void {
  const taken = new Set(apis.map(({ audience }) => audience))
  for (const [index, { resources = [] }] of apis.entries()) {
    for (const [at, resource] of resources.entries()) {
      const place = [...path, index, 'resources', at]
      if (taken.has(resource))
        report(
          place,
          `${showValue(resource, place)} a second time`,
          'what no audience and no other resource is',
        )
      taken.add(resource)
    }
  }
}

/** A key of its own would sign nothing. */
function checkTokenFormats(apis: readonly ApiEntry[], path: Path, report: Report): void {
  for (const [index, { token_format: format, signing_algorithm: algorithm }] of apis.entries()) {
    if (format === 'opaque' && algorithm !== undefined)
      report([...path, index, 'signing_algorithm'], `${algorithm} beside opaque tokens`, 'one of the two')
  }
}

function checkPlanReferences(
  { plans = [], organizations = [] }: TenantEntry,
  path: Path,
  report: Report,
): void {
  const ids = plans.map(({ id }) => id)
  for (const [index, { plan }] of organizations.entries()) {
    const place = [...path, 'organizations', index, 'plan']
    if (plan !== undefined && !ids.includes(plan))
      report(place, showValue(plan, place), oneOf('a plan of this tenant', ids))
  }
}

/** Every lifetime that is named lies within the tenant's bounds; nobody is to find out that it was clamped. */
function checkBounds(tenant: TenantEntry, path: Path, report: Report): void {
  const minimum = tenant.minimum_access_token_seconds ?? defaultLifetime.minimumSeconds
  const maximum = tenant.maximum_access_token_seconds ?? defaultLifetime.maximumSeconds
  if (minimum > maximum) {
    const name = tenant.minimum_access_token_seconds === undefined ? 'maximum' : 'minimum'
    const place = [...path, `${name}_access_token_seconds`]
    if (name === 'minimum') report(place, String(minimum), `at most the maximum, ${maximum}`)
    else report(place, String(maximum), `at least the minimum, ${minimum}`)
    return
  }
  const check = (entry: { readonly access_token_seconds?: number }, at: Path) => {
    const seconds = entry.access_token_seconds
    if (seconds === undefined || (seconds >= minimum && seconds <= maximum)) return
    report([...at, 'access_token_seconds'], String(seconds), `the tenant's bounds, ${minimum} to ${maximum}`)
  }
  check(tenant, path)
  for (const [index, api] of (tenant.apis ?? []).entries()) check(api, [...path, 'apis', index])
  for (const [index, plan] of (tenant.plans ?? []).entries()) check(plan, [...path, 'plans', index])
  for (const [index, { apps = [] }] of (tenant.organizations ?? []).entries()) {
    for (const [at, app] of apps.entries()) check(app, [...path, 'organizations', index, 'apps', at])
  }
}
