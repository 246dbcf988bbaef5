/** RFC 6749 §4.4: the client acts for itself, so there is no user and no refresh token (§4.4.3). */

import { type Form, refuse } from '@sallyport/protocol'
import type { CompiledAppSettings } from '../../apps/app-settings.ts'
import type { Api, Plan, Tenant } from '../../tenants/tenant.ts'
import { chooseApi } from '../choose-api.ts'
import { chooseScopes } from '../choose-scopes.ts'
import type { OAuthRequest } from '../request.ts'
import type { Grant } from './grant.ts'
import { planOf } from './plan-of.ts'

/** What is decided by the tenant, the plan, the app's settings and the parameters, and by nothing else. */
interface Decision {
  readonly tenant: Tenant
  readonly plan: Plan | null
  readonly form: Form
  readonly api: Api
  readonly scopes: readonly string[]
}

// Apps ask for the same thing all day, and their settings are shared; all parts are replaced whole when one changes.
const latest = new WeakMap<CompiledAppSettings, Decision>()

function decide({ tenant, form }: OAuthRequest, plan: Plan | null, settings: CompiledAppSettings): Decision {
  const known = latest.get(settings)
  if (known?.form === form && known.tenant === tenant && known.plan === plan) return known
  const api = chooseApi(tenant, form, settings)
  const scopes = chooseScopes(form.get('scope'), api, plan, settings)
  const decision = { tenant, plan, form, api, scopes }
  latest.set(settings, decision)
  return decision
}

export const clientCredentials: Grant = {
  type: 'client_credentials',
  authorize(request, { client, credential, organization }) {
    // RFC 6749 §4.4: only confidential clients may use this grant.
    if (credential === null) refuse('unauthorized_client', 'public client')
    const plan = planOf(request.tenant, organization)
    const { api, scopes } = decide(request, plan, client.settings)
    return { grantType: 'client_credentials', client, credential, organization, plan, api, scopes }
  },
}
