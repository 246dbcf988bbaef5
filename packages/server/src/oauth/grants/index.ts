/** The table of grants: a new one is a file beside this one and a line here. */

import { refuse } from '@sallyport/protocol'
import type { Tenant } from '../../tenants/tenant.ts'
import { clientCredentials } from './client-credentials.ts'
import type { Grant } from './grant.ts'
import { jwtBearer } from './jwt-bearer.ts'
import { tokenExchange } from './token-exchange.ts'

/** Of all tenants together, by `grant_type`. */
export const grants: ReadonlyMap<string, Grant> = new Map(
  [clientCredentials, tokenExchange, jwtBearer].map((grant) => [grant.type, grant]),
)

const isOffered = (grant: Grant, tenant: Tenant): boolean => grant.isOfferedBy?.(tenant) ?? true

export const grantTypesOf = (tenant: Tenant): readonly string[] =>
  [...grants.values()].filter((grant) => isOffered(grant, tenant)).map(({ type }) => type)

// The names that the RFCs give: anything else may be a secret in the wrong place, and the log would keep it.
const wellKnown =
  /^(?:password|authorization_code|refresh_token|implicit|urn:ietf:params:oauth:[a-z0-9:-]{1,60})$/

/** RFC 6749 §5.2: names are compared exactly, also by case. */
export function grantFor(type: string, tenant: Tenant): Grant {
  const grant = grants.get(type)
  if (grant !== undefined && isOffered(grant, tenant)) return grant
  return refuse(
    'unsupported_grant_type',
    wellKnown.test(type) ? `grant type not supported: ${type}` : 'grant type unknown',
    `Supported: ${grantTypesOf(tenant).join(', ')}.`,
  )
}
