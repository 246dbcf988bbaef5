/** The issuer's metadata: where its keys are, and where it is asked what a token is. RFC 8414. */

import { parseUrl } from '@sallyport/protocol'
import type { Effects } from '../effects.ts'
import { askJson } from './ask.ts'

export interface IssuerMetadata {
  readonly jwksUri: string
  readonly introspectionEndpoint: string | null
}

/** RFC 8414 §3.1: the well-known part stands between host and path. */
export function metadataUrl(issuer: string): string {
  const { origin, pathname } = new URL(issuer)
  return `${origin}/.well-known/oauth-authorization-server${pathname === '/' ? '' : pathname}`
}

/** Throws when the document is of another issuer (RFC 8414 §3.3), or points to something that is not HTTPS. */
export async function fetchMetadata(issuer: string, effects: Effects): Promise<IssuerMetadata> {
  const document = (await askJson(effects, metadataUrl(issuer))) as Readonly<Record<string, unknown>> | null
  if (document?.issuer !== issuer)
    throw new TypeError(`the metadata at ${metadataUrl(issuer)} is of another issuer`)
  const { jwks_uri: jwksUri, introspection_endpoint: introspection } = document
  return {
    jwksUri: httpsUrl(jwksUri, 'jwks_uri'),
    introspectionEndpoint:
      introspection === undefined ? null : httpsUrl(introspection, 'introspection_endpoint'),
  }
}

function httpsUrl(value: unknown, member: string): string {
  const url = typeof value === 'string' ? parseUrl(value) : null
  if (url?.protocol !== 'https:') throw new TypeError(`${member} of the issuer's metadata is no https URL`)
  return url.href
}
