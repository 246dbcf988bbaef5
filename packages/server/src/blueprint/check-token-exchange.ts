/** Who may exchange tokens: the tenant lets it, the app has the grant and a policy, and the policy names what exists. */

import { tokenExchangeType } from '../apps/settings.ts'
import { appsOf, checkAppIds, type PlacedApp } from './apps-of.ts'
import { oneOf } from './one-of.ts'
import { type Path, type Report, showValue } from './problem.ts'
import type { TenantEntry } from './schema.ts'

export function checkTokenExchange(tenant: TenantEntry, path: Path, report: Report): void {
  const apps = appsOf(tenant, path)
  for (const placed of apps) {
    checkGrant(tenant, placed, report)
    checkPolicy(placed, apps, report)
  }
}

function checkGrant(tenant: TenantEntry, { app, path }: PlacedApp, report: Report): void {
  const { grant_types: grantTypes = [], token_exchange: policy } = app
  const index = grantTypes.indexOf(tokenExchangeType)
  const at = [...path, 'grant_types', index]
  if (index === -1) {
    if (policy !== undefined)
      report([...path, 'token_exchange'], 'a policy', `${tokenExchangeType} among its grant_types as well`)
    return
  }
  if (policy === undefined)
    report(at, 'token exchange without a policy', 'token_exchange to say what it may exchange')
  if (tenant.token_exchange !== true)
    report(at, 'token exchange in a tenant that has none', 'token_exchange: true of the tenant')
  refusePublic({ app, path }, report)
}

/** RFC 8693 §5: who asks is part of what is decided. */
export function refusePublic({ app, path }: PlacedApp, report: Report): void {
  const index = app.client_authentication?.indexOf('none') ?? -1
  if (index !== -1)
    report(
      [...path, 'client_authentication', index],
      'none beside a grant for others',
      'a method that proves the app',
    )
}

function checkPolicy({ app, path }: PlacedApp, apps: readonly PlacedApp[], report: Report): void {
  const { subjects = [], targets = [], actors = [], mode } = app.token_exchange ?? {}
  const at = [...path, 'token_exchange']
  checkAppIds(subjects, apps, [...at, 'subjects'], report)
  checkAppIds(actors, apps, [...at, 'actors'], report)
  if (mode === 'impersonation' && actors.length > 0)
    report([...at, 'actors'], 'actors', 'none, because impersonation shows nobody who acts')
  const granted = Object.keys(app.scopes ?? {})
  for (const [index, id] of targets.entries()) {
    const place = [...at, 'targets', index]
    if (!granted.includes(id))
      report(place, showValue(id, place), oneOf('an API that the app has scopes of', granted))
  }
}
