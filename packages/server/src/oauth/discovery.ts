/** Metadata (RFC 8414, OIDC Discovery) and the key set (RFC 7517): made from the same tables that decide requests. */

import {
  buildAuthorizationServerMetadata,
  buildOpenIdConfiguration,
  type Capabilities,
  type Reply,
} from '@sallyport/protocol'
import { entityTag } from '../entity-tag.ts'
import { keySetMaxAgeSeconds } from '../keys/rotation-schedule.ts'
import type { Tenant } from '../tenants/tenant.ts'
import { trusts } from '../tenants/trusted-issuers.ts'
import { clientAuthMethodNames } from './client-auth/index.ts'
import { grantTypesOf } from './grants/index.ts'
import { introspectionPath } from './introspect.ts'
import { registrationPath } from './register/show.ts'
import { revocationPath } from './revoke.ts'
import { tokenPath } from './token-path.ts'

export const jwksPath = '/oauth2/jwks'

/** draft-ietf-oauth-identity-assertion-authz-grant §7. */
const idJagProfile = 'urn:ietf:params:oauth:grant-profile:id-jag'

/** What of the tenant's surroundings its metadata tells. */
export interface PublishedSite {
  readonly tenant: Tenant
  readonly issuer: string
  /** Where connections are asked for certificates (RFC 8705 §5). */
  readonly mtlsIssuer: string | null
  readonly takesCertificates: boolean
}

function capabilitiesOf({ tenant, mtlsIssuer, takesCertificates }: PublishedSite): Capabilities {
  const scopes = [...tenant.apis.values()].flatMap((api) => api.scopes.granted)
  return {
    endpoints: {
      token: tokenPath,
      jwks: jwksPath,
      introspection: introspectionPath,
      revocation: revocationPath,
      ...(tenant.takesRegistrations && { registration: registrationPath }),
    },
    introspectionSigningAlgorithms: [tenant.signer.algorithm],
    grantTypes: grantTypesOf(tenant),
    ...(trusts(tenant.trustedIssuers, 'id_jag') && { grantProfiles: [idJagProfile] }),
    tokenEndpointAuthMethods: clientAuthMethodNames(tenant, takesCertificates),
    bindsToCertificates: takesCertificates,
    ...(mtlsIssuer !== null && { mtlsIssuer }),
    tokenEndpointAuthSigningAlgorithms: [...tenant.security.assertionAlgorithms],
    dpopSigningAlgorithms: [...tenant.security.proofAlgorithms],
    scopes: [...new Set(scopes)],
    signingAlgorithms: tenant.signingAlgorithms,
  }
}

/** What a tenant publishes is the same until the tenant changes, and a change makes another `Tenant`. */
const published = new WeakMap<Tenant, Map<string, Reply>>()

function publish(tenant: Tenant, name: string, build: () => unknown): Reply {
  let documents = published.get(tenant)
  if (!documents) {
    documents = new Map()
    published.set(tenant, documents)
  }
  let reply = documents.get(name)
  if (!reply) {
    reply = publicReply(build())
    documents.set(name, reply)
  }
  return reply
}

export const authorizationServerMetadata = (site: PublishedSite): Reply =>
  publish(site.tenant, `oauth ${site.issuer}`, () =>
    buildAuthorizationServerMetadata(capabilitiesOf(site), site.issuer),
  )

/** Served without `authorization_endpoint` until there is an authorization endpoint. */
export const openIdConfiguration = (site: PublishedSite): Reply =>
  publish(site.tenant, `openid ${site.issuer}`, () =>
    buildOpenIdConfiguration(capabilitiesOf(site), site.issuer),
  )

export const jwks = (tenant: Tenant): Reply => publish(tenant, 'jwks', () => ({ keys: tenant.publicJwks }))

/** The same for everybody and cacheable; open to browsers, for it holds nothing of anybody's. */
function publicReply(value: unknown): Reply {
  const body = JSON.stringify(value)
  return {
    status: 200,
    headers: {
      'Content-Type': 'application/json',
      'Cache-Control': `public, max-age=${keySetMaxAgeSeconds}`,
      ETag: entityTag(body),
      'Access-Control-Allow-Origin': '*',
    },
    body,
  }
}
