/**
 * A secret seen where it must not be: refused, and once it has proven to be a real one its credential is put out of use,
 * or only flagged where the tenant wants that.
 */

import { OAuthError, refuse } from '@sallyport/protocol'
import type { ExposedBy } from '../store/exposure.ts'
import { clientSecretBasic } from './client-auth/client-secret-basic.ts'
import { clientSecretPost } from './client-auth/client-secret-post.ts'
import { proveSecret, type SecretClaim } from './client-auth/prove-secret.ts'
import type { TokenDeps } from './deps.ts'
import { flagTokens, holdsToken, urlOf } from './exposed-tokens.ts'
import type { TokenHttpRequest, TokenRequest } from './token-request.ts'

const idNames = ['client_id', 'key'] as const
const secretNames = ['client_secret', 'secret'] as const
const provingNames = [...secretNames, 'client_assertion', 'password', 'access_token']
const forbiddenNames = [...idNames, ...provingNames]

const firstOf = (
  { queryParameters }: Pick<TokenRequest, 'queryParameters'>,
  names: readonly string[],
): string | undefined => names.map((name) => queryParameters.get(name)).find((value) => value !== undefined)

/** A dialect that takes credentials from the URL takes them under two names; the others are as wrong as ever. */
function besidesDialect({ dialect }: TokenRequest, names: readonly string[]): readonly string[] {
  const { queryCredentials } = dialect
  if (queryCredentials === null) return names
  return names.filter((name) => name !== queryCredentials.clientId && name !== queryCredentials.clientSecret)
}

/** RFC 6749 §2.3.1: credentials must not be in the URL, where logs and histories keep them. */
export async function refuseCredentialsInUrl(request: TokenRequest, deps: TokenDeps): Promise<void> {
  if (firstOf(request, besidesDialect(request, forbiddenNames)) === undefined) return
  await flagUrlCredentials(request, deps)
  refuseUrl()
}

export const refuseUrl = (): never =>
  refuse(
    'invalid_request',
    'credentials in the URL',
    'Credentials must not be in the URL: send them in the Authorization header or in the body.',
  )

/** Under a name for them, or by its looks; a bare client id is none. */
export const isExposedInUrl = (
  http: TokenHttpRequest,
  asked: Pick<TokenRequest, 'queryParameters'>,
): boolean => firstOf(asked, provingNames) !== undefined || holdsToken(urlOf(http))

/** Under the names that no dialect of the tenant asks for. */
export async function flagUrlCredentials(request: TokenRequest, deps: TokenDeps): Promise<void> {
  await flagTokens([urlOf(request.http)], 'query_string', deps)
  const clientId = firstOf(request, idNames)
  const clientSecret = firstOf(request, besidesDialect(request, secretNames))
  if (clientId !== undefined && clientSecret !== undefined) {
    await flagIfReal(request, [{ clientId, clientSecret }], 'query_string', deps)
  }
}

/** For a request over plain HTTP, which is refused whatever it holds. */
export async function flagExposedCredentials(
  request: TokenRequest,
  by: ExposedBy,
  deps: TokenDeps,
): Promise<void> {
  const { http } = request
  await flagTokens([...http.authorization, urlOf(http), http.body.toString('latin1')], by, deps)
  for (const method of [clientSecretBasic, clientSecretPost]) {
    if (method.isPresentedIn(request)) await flagIfReal(request, method.claims(request), by, deps)
  }
  const clientId = firstOf(request, idNames)
  const clientSecret = firstOf(request, secretNames)
  if (clientId !== undefined && clientSecret !== undefined) {
    await flagIfReal(request, [{ clientId, clientSecret }], by, deps)
  }
}

/** A bare client id flags nothing, or a stranger could cut off a customer. A wrong secret counts as one. */
async function flagIfReal(
  request: TokenRequest,
  claims: readonly SecretClaim[],
  by: ExposedBy,
  deps: TokenDeps,
): Promise<void> {
  if (claims.length === 0) return
  try {
    const { client, credential } = await proveSecret(request, 'client_secret_post', claims, deps)
    const isQuarantined = request.tenant.security.quarantinesExposed
    // The first exposure stays, so there may be nothing more to write.
    const isNew = credential?.exposedAt === null || (isQuarantined && credential?.disabledAt === null)
    if (credential && isNew) {
      const { clientId } = client
      deps.exposeCredential({
        tenantId: request.tenant.id,
        clientId,
        credentialId: credential.id,
        by,
        isQuarantined,
      })
    }
  } catch (error) {
    // Wrong or unknown: nothing was exposed. A throttled guess is answered as one.
    if (!(error instanceof OAuthError) || error.code !== 'invalid_client') throw error
  }
}
