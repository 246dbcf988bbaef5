/** Discovery documents, built from what the server can do and from nothing else. */

// RFC 8414 §2 and RFC 7662/7009 name the members; one that has no endpoint is left out.
const endpointMembers = {
  authorization: 'authorization_endpoint',
  token: 'token_endpoint',
  jwks: 'jwks_uri',
  introspection: 'introspection_endpoint',
  revocation: 'revocation_endpoint',
  userinfo: 'userinfo_endpoint',
  registration: 'registration_endpoint',
} as const

type EndpointName = keyof typeof endpointMembers

/** What a tenant's server can do, as its tables say; the same value decides requests, so metadata cannot promise more. */
export interface Capabilities {
  /** Paths under the issuer (`/oauth2/token`) or whole URLs; an endpoint that does not exist is absent. */
  readonly endpoints: Readonly<Partial<Record<EndpointName, string>> & { token: string; jwks: string }>
  readonly grantTypes: readonly string[]
  /** draft-ietf-oauth-identity-assertion-authz-grant §7: profiles of the grants; left out of the document if absent. */
  readonly grantProfiles?: readonly string[]
  readonly tokenEndpointAuthMethods: readonly string[]
  /** Algorithms of client assertions; to be given with `private_key_jwt`, where RFC 8414 §2 requires it. */
  readonly tokenEndpointAuthSigningAlgorithms?: readonly string[]
  /** Left out of the document if absent; a server need not tell all its scopes. */
  readonly scopes?: readonly string[]
  /** Algorithms whose public keys stand in the JWKS. */
  readonly signingAlgorithms: readonly string[]
  readonly responseTypes?: readonly string[]
  /** RFC 9449 §5.1: algorithms of DPoP proofs; absent where there is no DPoP. */
  readonly dpopSigningAlgorithms?: readonly string[]
  /** RFC 8705 §3.3: whether tokens can be bound to a client's certificate. */
  readonly bindsToCertificates?: boolean
  /** RFC 9701 §7: algorithms of signed introspection answers; to be given with an introspection endpoint. */
  readonly introspectionSigningAlgorithms?: readonly string[]
  /** RFC 8705 §5: the issuer's URL where connections are asked for certificates, if that is another. */
  readonly mtlsIssuer?: string
}

/** A JSON object with members in a stable order. */
export type Metadata = Readonly<
  Record<string, string | boolean | readonly string[] | Readonly<Record<string, string>>>
>

/**
 * Builds the authorization server metadata of an issuer. `issuer` is the URL the document is served under.
 * Does not check the URLs or the names. RFC 8414 §2.
 */
export function buildAuthorizationServerMetadata(capabilities: Capabilities, issuer: string): Metadata {
  const { scopes } = capabilities
  return {
    issuer,
    ...endpointUrls(capabilities.endpoints, issuer),
    ...(scopes && { scopes_supported: scopes }),
    // RFC 8414 §2 requires the member even from a server without an authorization endpoint.
    response_types_supported: capabilities.responseTypes ?? [],
    grant_types_supported: capabilities.grantTypes,
    ...(capabilities.grantProfiles && { authorization_grant_profiles_supported: capabilities.grantProfiles }),
    ...clientAuthentication(capabilities),
    ...(capabilities.introspectionSigningAlgorithms && {
      introspection_signing_alg_values_supported: capabilities.introspectionSigningAlgorithms,
    }),
    ...(capabilities.dpopSigningAlgorithms && {
      dpop_signing_alg_values_supported: capabilities.dpopSigningAlgorithms,
    }),
    ...(capabilities.bindsToCertificates && { tls_client_certificate_bound_access_tokens: true }),
    ...(capabilities.mtlsIssuer !== undefined && {
      mtls_endpoint_aliases: endpointUrls(clientEndpointsOf(capabilities), capabilities.mtlsIssuer),
    }),
  }
}

/**
 * Builds the OpenID Connect discovery document of an issuer: the same, and the members OIDC Discovery §3 requires.
 * The algorithms are the ones in use: RS256 is not promised by an issuer that has no RSA key.
 */
export function buildOpenIdConfiguration(capabilities: Capabilities, issuer: string): Metadata {
  return {
    ...buildAuthorizationServerMetadata(capabilities, issuer),
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: capabilities.signingAlgorithms,
  }
}

/** Where clients show who they are, they do it alike. */
const clientEndpoints = ['token', 'introspection', 'revocation'] as const

function clientAuthentication(capabilities: Capabilities): Record<string, readonly string[]> {
  const { endpoints, tokenEndpointAuthMethods, tokenEndpointAuthSigningAlgorithms } = capabilities
  const present = clientEndpoints.filter((name) => endpoints[name] !== undefined)
  return Object.fromEntries(
    present.flatMap((name) => [
      [`${name}_endpoint_auth_methods_supported`, tokenEndpointAuthMethods],
      ...(tokenEndpointAuthSigningAlgorithms
        ? [
            [
              `${name}_endpoint_auth_signing_alg_values_supported`,
              tokenEndpointAuthSigningAlgorithms,
            ] as const,
          ]
        : []),
    ]),
  )
}

const clientEndpointsOf = ({ endpoints }: Capabilities): Partial<Record<EndpointName, string>> =>
  Object.fromEntries(
    clientEndpoints.flatMap((name) => (endpoints[name] === undefined ? [] : [[name, endpoints[name]]])),
  )

function endpointUrls(
  endpoints: Readonly<Partial<Record<EndpointName, string>>>,
  issuer: string,
): Record<string, string> {
  const urls: Record<string, string> = {}
  for (const [name, member] of Object.entries(endpointMembers) as [EndpointName, string][]) {
    const endpoint = endpoints[name]
    if (endpoint !== undefined) urls[member] = urlOf(endpoint, issuer)
  }
  return urls
}

const urlOf = (endpoint: string, issuer: string): string =>
  endpoint.startsWith('/') ? issuer.replace(/\/$/, '') + endpoint : endpoint
