/** A JWT of this server, read back: one of its tenant's keys has signed it, as an access token. */

import { createHash } from 'node:crypto'
import { type Jws, readJws } from '@sallyport/protocol'
import { RecentMap } from '../store/read-through.ts'
import { standardDialect } from '../tenants/dialect.ts'
import type { Tenant } from '../tenants/tenant.ts'
import { type Claims, type OwnToken, ownToken, type Provenance } from './own-token.ts'

// An API asks about the same tokens all day, and a signature costs more than the rest of its answer.
const verified = new RecentMap<Verified>(10_000)
const longestKept = 3_000

/** Holds nothing of the tenant: a compilation that has been replaced must not stay in memory for its tokens. */
interface Verified {
  readonly edition: number
  readonly claims: Claims
  readonly provenance: Provenance
}

/**
 * Null for whatever is no access token of this tenant: another's, altered, cut, made for another purpose, of a key that
 * is retired or an API that is gone. Does not look at the time.
 */
export function readOwnJwt(tenant: Tenant, text: string): OwnToken | null {
  const known = verified.get(text)
  if (known?.edition === tenant.edition) return ownToken(tenant, known.claims, known.provenance)
  const read = verify(tenant, text)
  if (read === null) return null
  const token = ownToken(tenant, read.claims, read.provenance)
  if (token !== null && text.length <= longestKept) verified.set(text, read)
  return token
}

function verify(tenant: Tenant, text: string): Verified | null {
  const jws = readJws(text)
  if (jws === null || !isAccessToken(jws, tenant)) return null
  const { kid } = jws.header
  const signer = tenant.verifiers.find((key) => (kid === undefined || kid === key.kid) && key.hasSigned(jws))
  if (signer === undefined) return null
  const { kid: keyId, apiId } = signer
  const provenance = { format: 'jwt', digest: digestOf(jws), keyId, apiId } as const
  return { edition: tenant.edition, claims: jws.payload, provenance }
}

/** RFC 8725 §3.11: what the same keys sign for other purposes has another `typ`. */
function isAccessToken({ header: { typ } }: Jws, { dialect }: Tenant): boolean {
  return [dialect, standardDialect].some((one) => one.header.render({ alg: '', kid: '' }).typ === typ)
}

/** A signature may have two spellings; what was signed has one. */
const digestOf = ({ signingInput }: Jws): string =>
  createHash('sha256').update(signingInput).digest('base64url')
