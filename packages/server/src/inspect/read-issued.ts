/** A token of ours read back from its claims, also where the API that it was for is gone. */

import type { SigningKeyRecord } from '../store/signing-keys.ts'
import type { TenantRecord } from '../store/tenants.ts'
import { compileDialect, compileFormerDialects, type TokenDialects } from '../tenants/dialect.ts'
import type { TenantSettings } from '../tenants/settings.ts'
import { type OwnToken, ownToken, type Provenance } from '../tokens/own-token.ts'

/** A token that this server has issued. */
export interface Found {
  readonly tenantId: string
  readonly header: Readonly<Record<string, unknown>> | null
  readonly claims: Readonly<Record<string, unknown>>
  /** What has signed it; null for an opaque one. */
  readonly key: SigningKeyRecord | null
  /** The API whose own key has signed it, or that an opaque one is for. */
  readonly apiId: string | null
  /** What stands for it where it has no `jti`. */
  readonly digest: string
}

export interface Issued {
  readonly token: OwnToken
  readonly isApiGone: boolean
  readonly dialects: TokenDialects
}

/** Stands for whatever API a token names. */
const anyApi = { get: () => ({ id: '' }) }

export function readIssued(tenant: TenantRecord, { claims, key, apiId, digest }: Found): Issued {
  const dialects = {
    // The store holds only what the schema has let in.
    dialect: compileDialect((tenant.settings as TenantSettings).dialect ?? {}),
    formerDialects: compileFormerDialects(tenant),
  }
  const apis = new Map(tenant.apis.map((api) => [api.id, api]))
  const apisByAudience = new Map(tenant.apis.map((api) => [api.audience, api]))
  const format = key === null ? 'opaque' : 'jwt'
  const provenance: Provenance = { format, digest, apiId, ...(key && { keyId: key.kid }) }
  const read = ownToken({ ...dialects, apis, apisByAudience }, claims, provenance)
  if (read !== null) return { token: read, isApiGone: false, dialects }
  const token = ownToken({ ...dialects, apis: anyApi, apisByAudience: anyApi }, claims, provenance)
  if (token === null) throw new Error('a token was read for any API and is for none')
  return { token, isApiGone: true, dialects }
}
