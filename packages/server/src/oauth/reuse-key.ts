/** Everything that two requests must share to be served one token. */

import { type Confirmation, confirmationKey } from '@sallyport/protocol'
import { type Client, contentOf } from '../apps/client.ts'
import type { Authorization } from './grants/grant.ts'
import type { OAuthRequest } from './request.ts'

type Parts = Pick<OAuthRequest, 'tenant' | 'issuer' | 'dialect'> &
  Pick<Authorization, 'client' | 'credential' | 'organization' | 'api' | 'scopes'>

// An app asks for the same thing all day, and comparing its parts takes a tenth of writing them down.
const latest = new WeakMap<Client, { readonly parts: Parts; readonly key: string }>()

export function reuseKey(
  { tenant, issuer, dialect }: OAuthRequest,
  { client, credential, organization, api, scopes }: Authorization,
  confirmation: Confirmation | null,
): string {
  const parts = { tenant, issuer, dialect, client, credential, organization, api, scopes }
  if (confirmation !== null) return keyOf(parts, confirmationKey(confirmation))
  const known = latest.get(client)
  if (known !== undefined && areTheSame(known.parts, parts)) return known.key
  const key = keyOf(parts, '')
  latest.set(client, { parts, key })
  return key
}

const areTheSame = (one: Parts, other: Parts): boolean =>
  one.tenant === other.tenant &&
  one.issuer === other.issuer &&
  one.dialect === other.dialect &&
  one.credential === other.credential &&
  one.organization === other.organization &&
  one.api === other.api &&
  one.scopes === other.scopes

/** No scope, id or URL holds a blank, so the parts cannot run into each other. */
function keyOf(parts: Parts, confirmed: string): string {
  const { tenant, issuer, dialect, client, credential, organization, api, scopes } = parts
  const editions = `${tenant.edition} ${organization.edition} ${client.edition} ${dialect.edition}`
  return `${editions} ${contentOf(client)} ${credential?.id ?? ''} ${api.id} ${issuer} ${confirmed} ${scopes.join(' ')}`
}
