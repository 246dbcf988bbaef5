/** From the text that somebody has sent to the token that it is. */

import type { Tenant } from '../tenants/tenant.ts'
import { readOwnJwt } from './own-jwt.ts'
import type { OwnToken } from './own-token.ts'

/** Null for whatever this tenant has not issued. Throws `StoreUnavailable` where nobody can know. */
export async function findOwnToken(tenant: Tenant, text: string): Promise<OwnToken | null> {
  return readOwnJwt(tenant, text)
}
