/**
 * A secret seen where it must not be: refused, and once it has proven to be a real one its credential is put out of use,
 * or only flagged where the tenant wants that.
 */

import { decodeFormComponent, OAuthError, refuse } from '@sallyport/protocol'
import { isNewExposure, type SeenSecret } from '../apps/note-exposed.ts'
import type { ExposedBy, Sighting } from '../store/exposure.ts'
import type { Dialect } from '../tenants/dialect.ts'
import { clientSecretBasic } from './client-auth/client-secret-basic.ts'
import { clientSecretPost } from './client-auth/client-secret-post.ts'
import { proveSecret, type SecretClaim } from './client-auth/prove-secret.ts'
import type { AuthenticatedClient } from './client-auth/proven-client.ts'
import type { OAuthDeps } from './deps.ts'
import type { OAuthHttpRequest, OAuthRequest } from './request.ts'
import { flagSecrets, secretsInText, secretsInUrl } from './secrets-in-text.ts'

const idNames = ['client_id', 'key'] as const
const secretNames = ['client_secret', 'secret'] as const
const provingNames = [...secretNames, 'client_assertion', 'password', 'access_token']
const forbiddenNames = [...idNames, ...provingNames]

const firstOf = (
  { queryParameters }: Pick<OAuthRequest, 'queryParameters'>,
  names: readonly string[],
): string | undefined => names.map((name) => queryParameters.get(name)).find((value) => value !== undefined)

/** A dialect that takes credentials from the URL takes them under two names; the others are as wrong as ever. */
function besidesDialect({ dialect }: OAuthRequest, names: readonly string[]): readonly string[] {
  const own = namesOfDialect(dialect)
  return names.filter((name) => !own.includes(name))
}

const namesOfDialect = ({ queryCredentials }: Dialect): readonly string[] =>
  queryCredentials === null ? [] : [queryCredentials.clientId, queryCredentials.clientSecret]

/** What a log or a history keeps of it, but for what stands where the tenant's own documents put it. */
function urlBesidesDialect({ http: { endpointPath, query }, dialect }: OAuthRequest): string {
  const url = `${endpointPath}?${query}`
  const own = namesOfDialect(dialect)
  if (own.length === 0) return url
  const start = url.indexOf('?') + 1
  const others = url
    .slice(start)
    .split('&')
    .filter((pair) => !own.includes(decodeFormComponent(pair.split('=', 1)[0] ?? '') ?? ''))
  return url.slice(0, start) + others.join('&')
}

/** RFC 6749 §2.3.1: credentials must not be in the URL, where logs and histories keep them. */
export async function refuseCredentialsInUrl(request: OAuthRequest, deps: OAuthDeps): Promise<void> {
  const isNamed = firstOf(request, besidesDialect(request, forbiddenNames)) !== undefined
  if (!isNamed && secretsInUrl(urlBesidesDialect(request)).length === 0) return
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
  { endpointPath, query }: OAuthHttpRequest,
  asked: Pick<OAuthRequest, 'queryParameters'>,
): boolean =>
  firstOf(asked, provingNames) !== undefined || secretsInUrl(`${endpointPath}?${query}`).length > 0

/** Under the names that no dialect of the tenant asks for, and by their looks. */
export async function flagUrlCredentials(request: OAuthRequest, deps: OAuthDeps): Promise<void> {
  const seen = secretsInUrl(urlBesidesDialect(request))
  const sighting = sightingIn(request, 'query_string')
  const clientId = firstOf(request, idNames)
  const name = besidesDialect(request, secretNames).find(
    (one) => request.queryParameters.get(one) !== undefined,
  )
  const clientSecret = name && request.queryParameters.get(name)
  if (name === undefined || clientId === undefined || clientSecret === undefined)
    return flagSecrets(seen, sighting, deps)
  // The tenant's documents wanted it there until their dialect ended; nothing else that stands beside it.
  const isOnlyNoted = namesOfDialect(request.tenant.dialect).includes(name)
  const presented = [[{ clientId, clientSecret }]]
  await flagReal(
    request,
    { presented, presentedIn: { ...sighting, isOnlyNoted }, seen, seenIn: sighting },
    deps,
  )
}

/** For a request over plain HTTP, which is refused whatever it holds. */
export async function flagExposedCredentials(
  request: OAuthRequest,
  sighting: Sighting,
  deps: OAuthDeps,
): Promise<void> {
  const presented = [clientSecretBasic, clientSecretPost]
    .filter((method) => method.isPresentedIn(request))
    .map((method) => method.claims(request))
  const clientId = firstOf(request, idNames)
  const clientSecret = firstOf(request, secretNames)
  if (clientId !== undefined && clientSecret !== undefined) presented.push([{ clientId, clientSecret }])
  const seen = secretsInRequest(request.http)
  await flagReal(request, { presented, presentedIn: sighting, seen, seenIn: sighting }, deps)
}

export const sightingIn = (
  { http: { clientAddress }, notes: { requestId: id } }: Pick<OAuthRequest, 'http' | 'notes'>,
  by: ExposedBy,
): Sighting => ({ by, request: { id, clientAddress } })

/** In all that a request says, with what a Basic header has wrapped. */
export function secretsInRequest({
  endpointPath,
  query,
  authorization,
  headers,
  body,
}: OAuthHttpRequest): readonly SeenSecret[] {
  const wrapped = authorization.map((header) =>
    Buffer.from(header.replace(/^basic +/i, ''), 'base64').toString('latin1'),
  )
  const texts = [
    ...authorization,
    ...wrapped,
    ...Object.values(headers).flatMap((value) => value ?? []),
    body.toString('latin1'),
  ]
  return [...secretsInUrl(`${endpointPath}?${query}`), ...texts.flatMap(secretsInText)]
}

interface Exposing {
  /** For each way in which credentials were presented its readings. */
  readonly presented: readonly (readonly SecretClaim[])[]
  readonly presentedIn: Sighting
  /** What stands in the request, by its looks. */
  readonly seen: readonly SeenSecret[]
  readonly seenIn: Sighting
}

/** What was presented is proven like anywhere else, and counts as a guess; what only stands there is known by its looks. */
async function flagReal(request: OAuthRequest, exposing: Exposing, deps: OAuthDeps): Promise<void> {
  const { presented, presentedIn, seen, seenIn } = exposing
  const flagged = new Set<string>()
  try {
    for (const claims of presented) {
      if (!(await flagIfReal(request, claims, presentedIn, deps))) continue
      for (const { clientSecret } of claims) flagged.add(clientSecret)
    }
  } finally {
    await flagSecrets(seen, seenIn, deps, flagged)
  }
}

/** A bare client id flags nothing, or a stranger could cut off a customer. A wrong secret counts as one. */
async function flagIfReal(
  request: OAuthRequest,
  claims: readonly SecretClaim[],
  sighting: Sighting,
  deps: OAuthDeps,
): Promise<boolean> {
  if (claims.length === 0) return false
  try {
    const proven = await proveSecret(request, 'client_secret_post', claims, deps)
    exposeProven(request, proven, sighting, deps)
    return true
  } catch (error) {
    // Wrong or unknown: nothing was exposed. A throttled guess is answered as one.
    if (!(error instanceof OAuthError) || error.code !== 'invalid_client') throw error
    return false
  }
}

/** Of a client that has proven itself with what was seen. */
export function exposeProven(
  { tenant }: OAuthRequest,
  { client, credential }: Pick<AuthenticatedClient, 'client' | 'credential'>,
  { by, request: seenIn, isOnlyNoted = false }: Sighting,
  { exposeCredential }: OAuthDeps,
): void {
  const isQuarantined = tenant.security.quarantinesExposed && !isOnlyNoted
  if (credential === null || !isNewExposure(credential, isQuarantined)) return
  exposeCredential({
    ...{ tenantId: tenant.id, clientId: client.clientId, credentialId: credential.id },
    ...{ by, isQuarantined },
    ...(seenIn && { request: seenIn }),
  })
}
