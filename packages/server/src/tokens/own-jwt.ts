/** A JWT of this server, read back: one of its tenant's keys has signed it, as an access token. */

import { createHash } from 'node:crypto'
import { type Jws, readJws } from '@sallyport/protocol'
import { RecentMap } from '../store/read-through.ts'
import { standardDialect } from '../tenants/dialect.ts'
import type { Tenant } from '../tenants/tenant.ts'
import { type OwnToken, ownToken } from './own-token.ts'

// An API asks about the same tokens all day, and a signature costs more than the rest of its answer.
const verified = new RecentMap<{ readonly tenant: Tenant; readonly token: OwnToken }>(10_000)
const longestKept = 3_000

/**
 * Null for whatever is no access token of this tenant: another's, altered, cut, made for another purpose, of a key that
 * is retired or an API that is gone. Does not look at the time.
 */
export function readOwnJwt(tenant: Tenant, text: string): OwnToken | null {
  const known = verified.get(text)
  if (known?.tenant === tenant) return known.token
  const token = verify(tenant, text)
  if (token !== null && text.length <= longestKept) verified.set(text, { tenant, token })
  return token
}

function verify(tenant: Tenant, text: string): OwnToken | null {
  const jws = readJws(text)
  if (jws === null || !isAccessToken(jws, tenant)) return null
  const { kid } = jws.header
  const signer = tenant.verifiers.find((key) => (kid === undefined || kid === key.kid) && key.hasSigned(jws))
  if (signer === undefined) return null
  return ownToken(tenant, jws.payload, {
    format: 'jwt',
    digest: digestOf(jws),
    keyId: signer.kid,
    apiId: signer.apiId,
  })
}

/** RFC 8725 §3.11: what the same keys sign for other purposes has another `typ`. */
function isAccessToken({ header: { typ } }: Jws, { dialect }: Tenant): boolean {
  return [dialect, standardDialect].some((one) => one.header.render({ alg: '', kid: '' }).typ === typ)
}

/** A signature may have two spellings; what was signed has one. */
const digestOf = ({ signingInput }: Jws): string =>
  createHash('sha256').update(signingInput).digest('base64url')
