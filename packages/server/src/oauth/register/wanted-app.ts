/** From client metadata to what an app is to be: the one place that knows both. */

import { type Members, parseScope, refuse } from '@sallyport/protocol'
import { type AuthenticationMethod, authenticationMethods } from '../../apps/authentication-methods.ts'
import type { WantedApp } from '../../apps/registration.ts'
import type { ClientMetadata, MemberName } from './metadata.ts'
import { checkRedirectUris } from './redirect-uris.ts'
import { refuseMember } from './refuse-member.ts'
import { refuseStatement } from './software-statement.ts'
import { certificateSet, wantedProofs } from './wanted-proofs.ts'
import { checkWebAddresses } from './web-addresses.ts'

/** What a registered app can have: it asks for itself alone. */
const grantType = 'client_credentials'

/** The members that say something to people, and nothing to an app. */
const describing = [
  ...(['redirect_uris', 'client_uri', 'logo_uri', 'tos_uri', 'policy_uri'] as const),
  ...(['contacts', 'software_id', 'software_version'] as const),
] satisfies readonly MemberName[]

export interface Possible {
  /** Those that the tenant's token endpoint takes. */
  readonly methods: readonly AuthenticationMethod[]
  /** Those that people have given the app beside; a client may say again what it was told. */
  readonly grantTypes: readonly string[]
}

export function wantedApp(metadata: ClientMetadata, { methods, grantTypes }: Possible): WantedApp {
  if (metadata.software_statement !== undefined) refuseStatement(metadata.software_statement)
  checkRedirectUris(metadata.redirect_uris ?? [])
  checkWebAddresses(metadata)
  checkGrants(metadata, grantTypes)
  const method = chooseMethod(metadata, methods)
  return {
    name: metadata.client_name ?? null,
    method,
    assertionAlgorithms: chooseAlgorithm(metadata, method),
    scopes: metadata.scope === undefined ? null : readScope(metadata.scope),
    constraint: chooseConstraint(metadata),
    proofs: wantedProofs(metadata, method),
    described: describe(metadata, method),
  }
}

/** Trust row 151: without an authorization endpoint there is no response type, and no grant that needs one. */
function checkGrants(
  { grant_types: grants = [], response_types: responses = [] }: ClientMetadata,
  given: readonly string[],
): void {
  if (responses.length > 0)
    refuseMember('response_types', 'must be empty: there is no grant with a redirect.')
  if (grants.some((grant) => grant !== grantType && !given.includes(grant)))
    refuseMember('grant_types', `can be ${[...new Set([grantType, ...given])].join(', ')} alone.`)
}

/** RFC 7591 §2: client_secret_basic unless it says another. */
function chooseMethod(
  { token_endpoint_auth_method: wanted = 'client_secret_basic' }: ClientMetadata,
  methods: readonly AuthenticationMethod[],
): AuthenticationMethod {
  const found = methods.find((method) => method === wanted)
  return found ?? refuseMember('token_endpoint_auth_method', `must be one of ${methods.join(', ')}.`)
}

function chooseAlgorithm(
  { token_endpoint_auth_signing_alg: algorithm }: ClientMetadata,
  method: AuthenticationMethod,
): WantedApp['assertionAlgorithms'] {
  if (algorithm === undefined) return null
  if (!authenticationMethods[method].isAssertion)
    refuseMember('token_endpoint_auth_signing_alg', `says nothing with ${method}: leave it out.`)
  return [algorithm]
}

function readScope(scope: string): readonly string[] {
  try {
    return parseScope(scope)
  } catch {
    return refuseMember('scope', 'must be a list of scopes with one blank between them.')
  }
}

function chooseConstraint({
  dpop_bound_access_tokens: byKey = false,
  tls_client_certificate_bound_access_tokens: byCertificate = false,
}: ClientMetadata): WantedApp['constraint'] {
  if (byKey && byCertificate)
    refuseMember('dpop_bound_access_tokens', 'and tls_client_certificate_bound_access_tokens cannot both be.')
  return byKey ? 'dpop' : byCertificate ? 'mtls' : null
}

// Of each change the audit chain keeps what stood there and what stands there now.
const longestDescription = 8_192
const tooLong = `${describing.join(', ')} can have ${longestDescription} characters together.`

/** Of a self-signed certificate only a thumbprint is kept, so the set that it stood in is too. */
function describe(metadata: ClientMetadata, method: AuthenticationMethod): Members {
  const said = describing.flatMap((name) =>
    metadata[name] === undefined ? [] : [[name, metadata[name]] as const],
  )
  if (JSON.stringify(said).length > longestDescription) refuse('invalid_client_metadata', tooLong, tooLong)
  const isSelfSigned = method === 'self_signed_tls_client_auth'
  return { ...Object.fromEntries(said), ...(isSelfSigned && { jwks: certificateSet(metadata) }) }
}
