/** Client metadata (RFC 7591 §2): the table of members that are known here, each with what it can be. */

import { type Members, memberOf, signatureAlgorithms } from '@sallyport/protocol'
import { macsOfOurSecrets } from '../../tenants/security.ts'
import { flag, type Kind, keySet, oneOf, text, texts } from './kinds.ts'
import { refuseMember } from './refuse-member.ts'

export const clientMetadata = {
  client_name: text(200),
  token_endpoint_auth_method: text(100),
  // OpenID Connect Dynamic Client Registration §2
  token_endpoint_auth_signing_alg: oneOf([...signatureAlgorithms, ...macsOfOurSecrets]),
  grant_types: texts(10, 200),
  response_types: texts(10, 200),
  scope: text(4096),
  jwks: keySet(10),
  jwks_uri: text(2000),
  // RFC 9449 §5.2
  dpop_bound_access_tokens: flag,
  // RFC 8705 §3.4, §2.1.2
  tls_client_certificate_bound_access_tokens: flag,
  tls_client_auth_subject_dn: text(2048),
  tls_client_auth_san_dns: text(2048),
  tls_client_auth_san_uri: text(2048),
  tls_client_auth_san_ip: text(2048),
  tls_client_auth_san_email: text(2048),
  redirect_uris: texts(20, 2000),
  client_uri: text(2000),
  logo_uri: text(2000),
  tos_uri: text(2000),
  policy_uri: text(2000),
  contacts: texts(10, 254),
  software_id: text(200),
  software_version: text(200),
  software_statement: text(16_384),
}

export type MemberName = keyof typeof clientMetadata
type ValueOf<Name extends MemberName> =
  (typeof clientMetadata)[Name] extends Kind<infer Value> ? Value : never
export type ClientMetadata = { readonly [Name in MemberName]?: ValueOf<Name> }

const kinds = Object.entries(clientMetadata) as readonly (readonly [MemberName, Kind<unknown>])[]

/** RFC 7591 §2: what is not known is ignored. Null, as programs write it that have nothing to say, is nothing. */
export function readMetadata(json: Members): ClientMetadata {
  const read = kinds.flatMap(([name, kind]) => {
    const value = memberOf(json, name) ?? null
    if (value === null) return []
    return kind.is(value) ? [[name, value] as const] : refuseMember(name, `must be ${kind.expected}.`)
  })
  return Object.fromEntries(read)
}
