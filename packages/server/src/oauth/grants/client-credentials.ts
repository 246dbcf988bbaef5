/** RFC 6749 §4.4: the client acts for itself, so there is no user and no refresh token (§4.4.3). */

import { refuse } from '@sallyport/protocol'
import { chooseApi } from '../choose-api.ts'
import { chooseScopes } from '../choose-scopes.ts'
import type { Grant } from './grant.ts'

export const clientCredentials: Grant = {
  type: 'client_credentials',
  authorize(request, { client, credential, organization }) {
    // RFC 6749 §4.4: only confidential clients may use this grant.
    if (credential === null) refuse('unauthorized_client', 'public client')
    const plan = organization.planId === null ? null : (request.tenant.plans.get(organization.planId) ?? null)
    const api = chooseApi(request, client.settings)
    const scopes = chooseScopes(request.form.get('scope'), api, plan, client.settings)
    return { grantType: 'client_credentials', client, credential, organization, plan, api, scopes }
  },
}
