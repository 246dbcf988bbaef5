/** RFC 7591 §3.2.1, RFC 7592 §3: what a client is registered as, from its app as it stands now. */

import type { Members } from '@sallyport/protocol'
import { defaultAuthenticationMethods } from '../../apps/authentication-methods.ts'
import type { RegisteredApp } from '../../apps/registration.ts'
import type { StoredProof } from '../../store/credentials.ts'
import { certificateNameMembers } from './wanted-proofs.ts'

export const registrationPath = '/oauth2/register'

const configurationUri = (issuer: string, clientId: string): string =>
  `${issuer}${registrationPath}/${encodeURIComponent(clientId)}`

/** The registration access token is the client's own, which it has just got or shown. */
export function showRegistration(app: RegisteredApp, issuer: string, registrationToken: string): Members {
  const { clientId, clientSecret, createdAt, described } = app
  return {
    client_id: clientId,
    client_id_issued_at: createdAt,
    ...(clientSecret !== null && { client_secret: clientSecret, client_secret_expires_at: 0 }),
    registration_access_token: registrationToken,
    registration_client_uri: configurationUri(issuer, clientId),
    ...described,
    ...showSettings(app),
    ...showProofs(app.proofs),
  }
}

function showSettings({ name, settings }: RegisteredApp): Members {
  const [method] = settings.client_authentication ?? defaultAuthenticationMethods
  const [algorithm] = settings.assertion_algorithms ?? []
  const scopes = Object.values(settings.scopes ?? {}).flat()
  return {
    client_name: name,
    token_endpoint_auth_method: method,
    ...(algorithm !== undefined && { token_endpoint_auth_signing_alg: algorithm }),
    grant_types: settings.grant_types ?? ['client_credentials'],
    response_types: [],
    ...(scopes.length > 0 && { scope: [...new Set(scopes)].join(' ') }),
    dpop_bound_access_tokens: settings.sender_constraint === 'dpop',
    tls_client_certificate_bound_access_tokens: settings.sender_constraint === 'mtls',
  }
}

function showProofs(proofs: readonly StoredProof[]): Members {
  const textsOf = (format: string) =>
    proofs.filter((proof) => proof.format === format).map(({ verifier }) => Buffer.from(verifier).toString())
  const keys = textsOf('jwk').map((key): unknown => JSON.parse(key))
  const [address] = textsOf('jwks_uri')
  return {
    ...(keys.length > 0 && { jwks: { keys } }),
    ...(address !== undefined && { jwks_uri: address }),
    ...namesOf(textsOf('certificate')),
  }
}

function namesOf(certificates: readonly string[]): Members {
  const names = certificates.flatMap((text) => Object.entries(JSON.parse(text) as Record<string, string>))
  const members = names.flatMap(([name, value]) =>
    certificateNameMembers.flatMap(([member, known]) => (known === name ? [[member, value] as const] : [])),
  )
  return Object.fromEntries(members)
}
