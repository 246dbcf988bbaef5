/** What a grant is: it decides who gets which scopes at which API. It never makes a token. */

import type { Client, Credential } from '../../apps/client.ts'
import type { Organization } from '../../tenants/organization.ts'
import type { Api, Plan } from '../../tenants/tenant.ts'
import type { AuthenticatedClient } from '../client-auth/method.ts'
import type { TokenDeps } from '../deps.ts'
import type { TokenRequest } from '../token-request.ts'

/** A decision: everything that `issueToken` needs to know. */
export interface Authorization {
  readonly grantType: string
  readonly client: Client
  readonly credential: Credential | null
  readonly organization: Organization
  readonly plan: Plan | null
  readonly api: Api
  /** In the order asked for, without repeats. */
  readonly scopes: readonly string[]
}

export interface Grant {
  /** The value of `grant_type`. */
  readonly type: string
  authorize(
    request: TokenRequest,
    authenticated: AuthenticatedClient,
    deps: TokenDeps,
  ): Authorization | Promise<Authorization>
}
