/** A JWT of this server, read back: one of its tenant's keys has signed it, as an access token. */

import { hash } from 'node:crypto'
import { type Jws, readJws } from '@sallyport/protocol'
import { chosenDialects, type Dialect, standardDialect, type TokenDialects } from '../tenants/dialect.ts'
import type { Tenant } from '../tenants/tenant.ts'
import { type OwnToken, ownToken } from './own-token.ts'
import { createTokenMemory } from './token-memory.ts'

const memory = createTokenMemory()

/**
 * Null for whatever is no access token of this tenant: another's, altered, cut, made for another purpose, of a key that
 * is retired or an API that is gone. Does not look at the time.
 */
export function readOwnJwt(tenant: Tenant, text: string): OwnToken | null {
  const known = memory.find(tenant, text)
  if (known !== undefined) return known
  const token = verify(tenant, text)
  if (token !== null) memory.keep(tenant, text, token, text.length)
  return token
}

function verify(tenant: Tenant, text: string): OwnToken | null {
  const jws = readJws(text)
  if (jws === null || !isAccessToken(jws, tenant)) return null
  const { kid } = jws.header
  const signer = tenant.verifiers.find((key) => (kid === undefined || kid === key.kid) && key.hasSigned(jws))
  if (signer === undefined) return null
  const { kid: keyId, apiId } = signer
  return ownToken(tenant, jws.payload, {
    format: 'jwt',
    digest: digestOfSigned(jws.signingInput),
    keyId,
    apiId,
  })
}

/** Of tokens from before RFC 9068, which a dialect may have written that nobody remembers: they live on. */
const olderTypes: readonly unknown[] = ['JWT', undefined]

/** RFC 8725 §3.11: what the same keys sign for other purposes has a `typ` of its own. */
export function isAccessToken({ header: { typ } }: Pick<Jws, 'header'>, dialects: TokenDialects): boolean {
  const isOfDialect = (one: Dialect) => one.header.render({ alg: '', kid: '' }).typ === typ
  return olderTypes.includes(typ) || [...chosenDialects(dialects), standardDialect].some(isOfDialect)
}

/** What stands for a token without `jti`: a signature may have two spellings, what was signed has one. */
export const digestOfSigned = (signingInput: string): string => hash('sha256', signingInput, 'base64url')
