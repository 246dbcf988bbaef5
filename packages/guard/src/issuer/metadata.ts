/** The issuer's metadata: where its keys are, and where it is asked what a token is. RFC 8414. */

import { parseUrl } from '@sallyport/protocol'
import type { Effects } from '../effects.ts'
import { askJson, inTime } from './ask.ts'

export interface IssuerMetadata {
  readonly jwksUri: string
  readonly introspectionEndpoint: string | null
}

/** RFC 8414 §3.1: the well-known part stands between host and path, which loses a slash at its end. */
function metadataUrl(issuer: string): string {
  const { origin, pathname } = new URL(issuer)
  return `${origin}/.well-known/oauth-authorization-server${pathname.replace(/\/$/, '')}`
}

/** Throws when the document is of another issuer (RFC 8414 §3.3), or points to something that is not HTTPS. */
export async function fetchMetadata(issuer: string, effects: Effects): Promise<IssuerMetadata> {
  const url = metadataUrl(issuer)
  const answer = await inTime(effects, (signal) => askJson(effects, url, { signal }))
  const document = answer as Readonly<Record<string, unknown>> | null
  if (document?.issuer !== issuer) throw new TypeError(otherIssuer(issuer, document?.issuer))
  const { jwks_uri: jwksUri, introspection_endpoint: introspection } = document
  return {
    jwksUri: httpsUrl(jwksUri, 'jwks_uri'),
    introspectionEndpoint:
      introspection === undefined ? null : httpsUrl(introspection, 'introspection_endpoint'),
  }
}

/** What the guard was given, and what it should have been if this is the issuer that was meant. */
function otherIssuer(issuer: string, named: unknown): string {
  const says = typeof named === 'string' ? JSON.stringify(named.slice(0, longestNamed)) : 'none'
  return `the metadata at ${metadataUrl(issuer)} names the issuer ${says}, and the guard was given ${JSON.stringify(issuer)}`
}

const longestNamed = 200

function httpsUrl(value: unknown, member: string): string {
  const url = typeof value === 'string' ? parseUrl(value) : null
  if (url?.protocol !== 'https:') throw new TypeError(`${member} of the issuer's metadata is no https URL`)
  return url.href
}
