/** The table of grants: a new one is a file beside this one and a line here. */

import { refuse } from '@sallyport/protocol'
import { clientCredentials } from './client-credentials.ts'
import type { Grant } from './grant.ts'

const grants: ReadonlyMap<string, Grant> = new Map([clientCredentials].map((grant) => [grant.type, grant]))

export const grantTypeNames: readonly string[] = [...grants.keys()]

// The names that the RFCs give: anything else may be a secret in the wrong place, and the log would keep it.
const wellKnown =
  /^(?:password|authorization_code|refresh_token|implicit|urn:ietf:params:oauth:[a-z0-9:-]{1,60})$/

/** RFC 6749 §5.2: names are compared exactly, also by case. */
export const grantFor = (type: string): Grant =>
  grants.get(type) ??
  refuse(
    'unsupported_grant_type',
    wellKnown.test(type) ? `grant type not supported: ${type}` : 'grant type unknown',
    `Supported: ${grantTypeNames.join(', ')}.`,
  )
