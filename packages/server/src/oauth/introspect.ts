/** RFC 7662: an API asks what a token is. Whatever it must not know, or is dead, is `{"active":false}` and no more. */

import {
  jsonReply,
  neverCached,
  oncePer,
  preferredType,
  type Reply,
  type Soon,
  whenKnown,
} from '@sallyport/protocol'
import type { CompiledAppSettings } from '../apps/app-settings.ts'
import { findOwnToken } from '../tokens/find.ts'
import type { OwnToken } from '../tokens/own-token.ts'
import { deadBecause } from '../tokens/standing.ts'
import {
  type ClientRequest,
  readClientRequest,
  refusePublicCaller,
  refuseWithoutDatabase,
  tokenOf,
} from './client-request.ts'
import type { OAuthDeps } from './deps.ts'
import type { OAuthCall } from './request.ts'

export const introspectionPath = '/oauth2/introspect'

/** RFC 9701 §4: what an API asks for that wants the answer signed. */
const signedType = 'application/token-introspection+jwt'
const answerTypes = [signedType, 'application/json']

export async function answerIntrospection(call: OAuthCall, deps: OAuthDeps): Promise<Reply> {
  const reading = readClientRequest(call, deps)
  const request = reading instanceof Promise ? await reading : reading
  refusePublicCaller(request)
  const text = tokenOf(request)
  refuseWithoutDatabase(request, deps)
  const finding = activeToken(text, request, deps)
  const token = finding instanceof Promise ? await finding : finding
  const isSigned = preferredType(call.http.accept, answerTypes) === signedType
  if (isSigned) return signedReply(token === null ? inactive : membersOf(token), request)
  return token === null ? inactiveReply : { status: 200, headers: neverCached, body: bodyOf(token) }
}

const inactive = { active: false }
const inactiveReply = jsonReply(200, inactive)

/** Null for whatever the caller is to hear nothing of; the operator is told why by `sallyport inspect`. */
function activeToken(
  text: string,
  { tenant, caller, now }: ClientRequest,
  deps: OAuthDeps,
): Soon<OwnToken | null> {
  return whenKnown(findOwnToken(tenant, text, deps), (found) => {
    if (found === null || !concerns(found, caller.client.settings)) return null
    return whenKnown(deadBecause(found, tenant, now, deps), (reason) => (reason === null ? found : null))
  })
}

/** RFC 7662 §4: a token is told of to the API that it is for, and to nobody else. */
const concerns = ({ apiId }: OwnToken, { introspects }: CompiledAppSettings): boolean =>
  apiId === null ? introspects.size > 0 : introspects.has(apiId)

// Of a token that lives the answer is always the same.
const bodyOf = oncePer((token: OwnToken) => JSON.stringify(membersOf(token)))

/** RFC 7662 §2.2: the members that it names in its words, whatever the tenant's dialect; the claims beside them. */
function membersOf({ claims, facts, scopes }: OwnToken): Readonly<Record<string, unknown>> {
  const { active, ...rest } = claims
  return {
    active: true,
    ...rest,
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
    client_id: facts.clientId,
    token_type: isDpopBound(claims) ? 'DPoP' : 'Bearer',
  }
}

const isDpopBound = ({ cnf }: OwnToken['claims']): boolean =>
  typeof cnf === 'object' && cnf !== null && 'jkt' in cnf

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** RFC 9701 §5: for this caller, in a JWT that nobody can take for an access token. */
async function signedReply(answer: unknown, { tenant, issuer, caller, now }: ClientRequest): Promise<Reply> {
  const { signer } = tenant
  const header = { typ: 'token-introspection+jwt', alg: signer.algorithm, kid: signer.kid }
  const claims = { iss: issuer, aud: caller.client.clientId, iat: now, token_introspection: answer }
  const signingInput = `${base64url(header)}.${base64url(claims)}`
  const body = `${signingInput}.${await signer.sign(signingInput)}`
  return { status: 200, headers: { ...neverCached, 'Content-Type': signedType }, body }
}
