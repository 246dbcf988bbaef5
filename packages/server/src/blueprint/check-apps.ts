/** Apps of a tenant: ids are free, grants are real, defaults lie within them, client ids cannot be confused. */

import { createScopeSet, decodeFormComponent } from '@sallyport/protocol'
import { appsOf, type PlacedApp } from './apps-of.ts'
import { checkCredentials } from './check-credentials.ts'
import { checkGrants } from './check-grants.ts'
import { oneOf } from './one-of.ts'
import { type Path, type Report, showValue } from './problem.ts'
import type { AppEntry, TenantEntry } from './schema.ts'

export function checkApps(
  tenant: TenantEntry,
  path: Path,
  report: Report,
  credentialsMayFollow: boolean,
): void {
  const apps = appsOf(tenant, path)
  checkUniqueIds(apps, report)
  checkClientIds(apps, report)
  for (const { app, path: at } of apps) {
    checkGrants(app.scopes ?? {}, tenant.apis ?? [], [...at, 'scopes'], report)
    checkDefaults(app, at, report)
    checkIntrospects(app, tenant, at, report)
    checkCredentials(tenant, app, at, report, credentialsMayFollow)
  }
}

/** Unique in the tenant, not only in the organization: a name that people use alone. */
function checkUniqueIds(apps: readonly PlacedApp[], report: Report): void {
  const seen = new Set<string>()
  for (const { app, path } of apps) {
    const place = [...path, 'id']
    if (seen.has(app.id))
      report(place, `${showValue(app.id, place)} a second time in this tenant`, 'another id')
    seen.add(app.id)
  }
}

function checkClientIds(apps: readonly PlacedApp[], report: Report): void {
  const ids = new Set<string>()
  for (const { app, path } of apps) {
    const place = [...path, 'client_id']
    if (app.client_id === undefined) continue
    if (ids.has(app.client_id))
      report(place, `${showValue(app.client_id, place)} a second time`, 'another client id')
    ids.add(app.client_id)
  }
  for (const { app, path } of apps) {
    const other = confusedWith(app.client_id, ids)
    const place = [...path, 'client_id']
    if (other === null) continue
    report(
      place,
      `${showValue(app.client_id, place)}, which read as URL-encoded is ${showValue(other, place)}`,
      'another',
    )
  }
}

/**
 * RFC 6749 §2.3.1: an id in a Basic header is read raw and URL-decoded, and the two must not name two clients.
 * The other id that this one decodes to, if it is among `ids`.
 */
export function confusedWith(clientId: string | undefined, ids: ReadonlySet<string>): string | null {
  const decoded = clientId === undefined ? null : decodeFormComponent(clientId)
  return decoded !== null && decoded !== clientId && ids.has(decoded) ? decoded : null
}

function checkIntrospects(
  { introspects = [], client_authentication: methods = [] }: AppEntry,
  { apis = [] }: TenantEntry,
  path: Path,
  report: Report,
): void {
  if (introspects.length > 0 && methods.includes('none')) {
    report([...path, 'introspects'], 'an app with none in client_authentication', 'one that proves who it is')
  }
  const ids = apis.map(({ id }) => id)
  for (const [index, id] of introspects.entries()) {
    const at = [...path, 'introspects', index]
    if (!ids.includes(id)) report(at, showValue(id, at), oneOf('an API of this tenant', ids))
  }
}

function checkDefaults(app: AppEntry, path: Path, report: Report): void {
  const granted = Object.keys(app.scopes ?? {})
  const { default_api: defaultApi, default_scopes: defaultScopes = [] } = app
  const place = [...path, 'default_api']
  if (defaultApi !== undefined && !granted.includes(defaultApi)) {
    report(place, showValue(defaultApi, place), oneOf('an API that the app has scopes of', granted))
  } else if (defaultApi === undefined && granted.length > 1) {
    report(place, 'nothing', oneOf('one of the several APIs that the app has', granted))
  }
  const set = createScopeSet(Object.values(app.scopes ?? {}).flat())
  for (const [index, scope] of defaultScopes.entries()) {
    const at = [...path, 'default_scopes', index]
    if (!set.covers(scope)) report(at, showValue(scope, at), 'a scope that the app is granted')
  }
}
