/** What an API says of itself, so that clients find where to get tokens for it: RFC 9728. */

export interface ResourceMetadataTerms {
  /** The API's URL. */
  readonly resource: string
  readonly issuer: string
  readonly scopes: readonly string[]
  readonly proofAlgorithms: readonly string[]
  readonly senderConstraint: 'none' | 'dpop' | 'mtls' | 'any'
}

/** RFC 9728 §2. */
export const resourceMetadata = (terms: ResourceMetadataTerms): Readonly<Record<string, unknown>> => ({
  resource: terms.resource,
  authorization_servers: [terms.issuer],
  ...(terms.scopes.length > 0 && { scopes_supported: terms.scopes }),
  bearer_methods_supported: ['header'],
  ...bindings[terms.senderConstraint](terms.proofAlgorithms),
})

const proofs = (algorithms: readonly string[]) => ({ dpop_signing_alg_values_supported: algorithms })
const certificates = { tls_client_certificate_bound_access_tokens: true }

/** How tokens are bound. Where nothing is demanded, only who ends TLS knows whether certificates are asked for. */
const bindings = {
  none: proofs,
  dpop: (algorithms) => ({ ...proofs(algorithms), dpop_bound_access_tokens_required: true }),
  mtls: () => certificates,
  any: (algorithms) => ({ ...proofs(algorithms), ...certificates }),
} as const satisfies Record<
  ResourceMetadataTerms['senderConstraint'],
  (algorithms: readonly string[]) => object
>

const wellKnown = '/.well-known/oauth-protected-resource'

/** RFC 9728 §3.1: the well-known part stands between host and path. */
export function resourceMetadataUrl(resource: string): URL {
  const url = new URL(resource)
  return new URL(`${url.origin}${wellKnown}${url.pathname === '/' ? '' : url.pathname}`)
}
