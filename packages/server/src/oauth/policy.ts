/** What the caller's APIs offer and who may ask how often: what guards hold to, written once and asked for here. */

import { jsonReply, type Reply, refuse } from '@sallyport/protocol'
import { entityTag } from '../entity-tag.ts'
import { endpointName, limitFor } from '../tenants/limits.ts'
import type { RateLimit } from '../tenants/settings.ts'
import type { Api, Tenant } from '../tenants/tenant.ts'
import {
  type ClientRequest,
  readClientRequest,
  refusePublicCaller,
  refuseWithoutDatabase,
} from './client-request.ts'
import type { OAuthDeps } from './deps.ts'
import { planOf } from './grants/plan-of.ts'
import type { OAuthCall } from './request.ts'

export const policyPath = '/oauth2/policy'

export interface PolicyDeps extends OAuthDeps {
  /** Resolves when everything is known here that was committed before. */
  readonly catchUp: () => Promise<void>
}

export async function answerPolicy(call: OAuthCall, deps: PolicyDeps): Promise<Reply> {
  const request = await readClientRequest(call, deps, { mayBeEmpty: true })
  refusePublicCaller(request)
  const { introspects } = request.caller.client.settings
  if (introspects.size === 0) refuse('unauthorized_client', 'the app is the resource server of no API')
  refuseWithoutDatabase(request, deps)
  // What is asked here is kept: the process that told of a change may be another than the one that is asked.
  await deps.catchUp()
  const tenant = (await deps.directory.tenant(request.tenant.id)) ?? request.tenant
  const apis = [...introspects].flatMap((id) => tenant.apis.get(id) ?? [])
  const clientId = askedApp(request)
  return withTag(
    clientId === null
      ? { apis: apis.map(tableOf) }
      : { client_id: clientId, limits: await limitsOf(clientId, tenant, apis, deps) },
  )
}

/** Not `client_id`: in a URL that is a credential in the wrong place. */
const askedApp = ({ queryParameters }: ClientRequest): string | null => queryParameters.get('app') ?? null

const tableOf = ({ id, audience, endpoints }: Api) => ({ api: id, audience, endpoints })

/** Only those that are not the endpoint's own. The guard has verified the token: an app that is unknown has none. */
async function limitsOf(
  clientId: string,
  tenant: Tenant,
  apis: readonly Api[],
  { directory }: PolicyDeps,
): Promise<object[]> {
  const client = await directory.client(tenant.id, clientId)
  if (client === null) return []
  const organization = await directory.organization(tenant.id, client.organizationId)
  const plan = (organization && planOf(tenant, organization))?.limits ?? []
  const app = client.settings.limits
  if (app.length === 0 && plan.length === 0) return []
  return apis.flatMap(({ id: api, endpoints }) =>
    endpoints.flatMap((endpoint) => {
      const limit = limitFor({ api, endpoint }, { app, plan })
      return limit === null || isSame(limit, endpoint.limit)
        ? []
        : [{ api, endpoint: endpointName(endpoint), ...pair(limit) }]
    }),
  )
}

const pair = ({ requests, window_seconds }: RateLimit): RateLimit => ({ requests, window_seconds })

const isSame = (one: RateLimit, other: RateLimit | undefined): boolean =>
  one.requests === other?.requests && one.window_seconds === other.window_seconds

const withTag = (document: object): Reply =>
  jsonReply(200, document, { ETag: entityTag(JSON.stringify(document)) })
