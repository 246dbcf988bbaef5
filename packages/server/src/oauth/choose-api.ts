/** The one API that a token is for: RFC 8707's `resource`, the older `audience`, or the app's default. */

import { type Form, parseAudience, parseResource, refuse } from '@sallyport/protocol'
import type { CompiledAppSettings } from '../apps/app-settings.ts'
import type { Api, Tenant } from '../tenants/tenant.ts'

/** RFC 8707 §2.2: the token names the one API asked for, so that this API cannot replay it at another. */
export const chooseApi = (tenant: Tenant, form: Form, app: CompiledAppSettings): Api =>
  apiFor(tenant, askedTarget(tenant, form), app)

/** `asked` is null where nothing was. */
export function apiFor(tenant: Tenant, asked: string | null, app: CompiledAppSettings): Api {
  const api = asked === null ? defaultApi(tenant, app) : tenant.apisByTarget.get(asked)
  // An API of another tenant, one that does not exist and one that is not the app's all look alike.
  if (!api || !app.scopesByApi.has(api.id)) {
    if (asked === null) refuse('invalid_target', 'app has no API', 'This client is not granted any API.')
    return refuse('invalid_target', "API unknown or not the app's")
  }
  return api
}

/** The API, or what names none. */
export const meantBy = (tenant: Tenant, target: string): Api | string =>
  tenant.apisByTarget.get(target) ?? target

/** Null where nothing was asked for; whatever was, it must mean one API, by whichever of its names. */
export function askedTarget(tenant: Tenant, form: Form): string | null {
  const audience = form.get('audience')
  const asked = [
    ...form.getAll('resource').map(parseResource),
    ...(audience === undefined ? [] : [parseAudience(audience)]),
  ]
  const meant = new Set(asked.map((target) => meantBy(tenant, target)))
  if (meant.size > 1) {
    refuse(
      'invalid_target',
      'several targets asked for',
      'A token is for one API: name one resource or audience.',
    )
  }
  return asked[0] ?? null
}

function defaultApi(tenant: Tenant, app: CompiledAppSettings): Api | undefined {
  if (app.defaultApi !== null) return tenant.apis.get(app.defaultApi)
  const [only, second] = app.scopesByApi.keys()
  if (second !== undefined) {
    refuse(
      'invalid_target',
      'app has several APIs and no default',
      'This client has several APIs: name one as resource or audience.',
    )
  }
  return only === undefined ? undefined : tenant.apis.get(only)
}
