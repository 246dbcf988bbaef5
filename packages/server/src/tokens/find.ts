/** From the text that somebody has sent to the token that it is. */

import type { Soon } from '@sallyport/protocol'
import type { Tenant } from '../tenants/tenant.ts'
import type { OpaqueTokens } from './opaque-tokens.ts'
import { readOwnJwt } from './own-jwt.ts'
import type { OwnToken } from './own-token.ts'

export interface FindDeps {
  readonly opaqueTokens: OpaqueTokens
}

/** Null for whatever this tenant has not issued. Throws `StoreUnavailable` where nobody can know. */
export function findOwnToken(
  tenant: Tenant,
  text: string,
  { opaqueTokens }: FindDeps,
): Soon<OwnToken | null> {
  // No JWT is without dots, and no opaque token has one.
  return text.includes('.') ? readOwnJwt(tenant, text) : opaqueTokens.find(tenant, text)
}
