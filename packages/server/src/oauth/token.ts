/** The token endpoint, top to bottom: parse, authenticate, decide, issue, answer (RFC 6749 §3.2). */

import { type Confirmation, type Form, neverCached, type Reply, refuse } from '@sallyport/protocol'
import { type Dialect, type DialectFeature, dialectAt } from '../tenants/dialect.ts'
import { isBarredByPlan } from './choose-scopes.ts'
import { authenticateClient } from './client-auth/index.ts'
import type { AuthenticatedClient } from './client-auth/proven-client.ts'
import { confirmSender } from './confirm-sender.ts'
import type { OAuthDeps } from './deps.ts'
import { exposeProven, refuseCredentialsInUrl, sightingIn } from './exposure.ts'
import type { Authorization, Behalf } from './grants/grant.ts'
import { grantFor } from './grants/index.ts'
import { answerDialect, issueToken } from './issue-token.ts'
import { checkOutageGrace, longestTokenSeconds } from './outage.ts'
import { readForm, readGrantType } from './read-form.ts'
import { readQuery } from './read-query.ts'
import { refuseNarrowingInUrl } from './refuse-in-url.ts'
import { refuseStillborn } from './refuse-stillborn.ts'
import { renderTemplate } from './render-template.ts'
import { noParameters, type OAuthCall, type OAuthRequest } from './request.ts'
import { tokenPath } from './token-path.ts'
import type { IssuedToken } from './token-reuse.ts'

/**
 * Throws `OAuthError` for every refusal; the caller's error boundary answers and logs it. Steps that find everything
 * in memory answer at once and are not awaited: a dozen awaits cost as much as reading the request.
 */
export async function answerToken(call: OAuthCall, deps: OAuthDeps): Promise<Reply> {
  const unread = withoutBody(call, deps, call.http.query === '' ? noParameters : await readQuery(call, deps))
  if (call.http.query !== '') await refuseCredentialsInUrl(unread, deps)
  const request = { ...unread, form: readForm(call.http, unread.dialect, call.notes.features) }
  const grantType = readGrantType(request)
  if (call.http.query !== '') refuseNarrowingInUrl(request.queryParameters)
  const grant = grantFor(grantType, call.tenant)
  checkOutageGrace(request, deps)
  const authenticating = authenticateClient(request, deps)
  const authenticated = authenticating instanceof Promise ? await authenticating : authenticating
  const { settings } = authenticated.client
  if (settings.standardOnly) refuseDialectRequest(request, authenticated, deps)
  if (!settings.grantTypes.has(grant.type)) refuse('unauthorized_client', `app may not use ${grant.type}`)
  const authorizing = grant.authorize(request, authenticated, deps)
  const authorization = authorizing instanceof Promise ? await authorizing : authorizing
  const confirming = confirmSender(request, authorization, deps)
  const confirmation = confirming instanceof Promise ? await confirming : confirming
  if (authorization.behalf !== undefined) await useUp(request, authorization, authorization.behalf, deps)
  const issuing = issueToken(request, authorization, confirmation, deps)
  const token = issuing instanceof Promise ? await issuing : issuing
  return tokenReply(request, authorization, confirmation, token)
}

/** The tenant's dialect is that of today: after its end date the standard answers. */
function withoutBody(call: OAuthCall, deps: OAuthDeps, queryParameters: Form): OAuthRequest {
  const { http, tenant, issuer, mtlsIssuer, notes } = call
  const now = deps.effects.clock()
  const dialect = dialectAt(tenant.dialect, now)
  if (http.endpointPath !== tokenPath) notes.features.add('token_path')
  return { http, tenant, issuer, mtlsIssuer, dialect, queryParameters, form: noParameters, now, notes }
}

function refuseDialectRequest(
  request: OAuthRequest,
  authenticated: AuthenticatedClient,
  deps: OAuthDeps,
): void {
  const { features } = request.notes
  const [feature] = features
  // To this client the URL is as wrong a place as to any other (RFC 6749 §2.3.1), but the tenant's documents put it there.
  if (features.has('query_credentials')) {
    const sighting = { ...sightingIn(request, 'query_string'), isOnlyNoted: true }
    exposeProven(request, authenticated, sighting, deps)
  }
  if (feature)
    refuse(
      'invalid_request',
      `app is standard only, but used ${feature}`,
      'This client may use only standard requests.',
    )
}

/** RFC 7523 §3: last of all, so that a request that is refused for something else may come again. */
async function useUp(
  request: OAuthRequest,
  authorization: Authorization,
  { once }: Behalf,
  deps: OAuthDeps,
): Promise<void> {
  if (once === null) return
  const dialect = answerDialect(request, authorization)
  await refuseStillborn(request, authorization, dialect, deps)
  longestTokenSeconds(request, dialect, deps)
  if (!(await deps.singleUse.use(once))) refuse('invalid_grant', 'assertion used before')
}

function tokenReply(
  request: OAuthRequest,
  authorization: Authorization,
  confirmation: Confirmation | null,
  token: IssuedToken,
): Reply {
  const { notes, now } = request
  const dialect = answerDialect(request, authorization)
  notes.apiId = authorization.api.id
  noteNoScopes(request, authorization)
  // RFC 9449 §5: whoever holds such a token must know that it is none to be sent as Bearer.
  const tokenType = confirmation?.jkt === undefined ? authorization.client.settings.tokenType : 'DPoP'
  const secondsLeft = token.expiresAt - now
  for (const feature of dialect.answerFeatures) {
    // An app with a token type of its own would not notice the dialect's end.
    if (feature !== 'token_type' || tokenType === null) notes.features.add(feature)
  }
  if (token.answer?.secondsLeft !== secondsLeft) {
    const members = answerMembers(token, dialect, tokenType ?? dialect.tokenType, secondsLeft)
    const issuedTokenType = authorization.behalf?.issuedTokenType ?? null
    if (issuedTokenType !== null) members.issued_token_type = issuedTokenType
    if (authorization.behalf?.saysResource) members.resource = authorization.api.audience
    const body = JSON.stringify(members)
    token.answer = { secondsLeft, body }
  }
  return { status: 200, headers: answerHeaders(request), body: token.answer.body }
}

/** RFC 6749 §3.3: what is left of the default is nothing, and the client has not asked for more. */
function noteNoScopes({ notes }: OAuthRequest, { api, plan, scopes, client }: Authorization): void {
  if (scopes.length === 0 && isBarredByPlan(api, plan, client.settings))
    notes.reason = 'no scope: what the app gets unasked is all outside the plan'
}

function answerHeaders({ dialect, notes }: OAuthRequest): Readonly<Record<string, string>> {
  const ofDialect = dialectHeaders(dialect, notes.features)
  const { nextDpopNonce: nonce } = notes
  if (ofDialect === undefined && nonce === undefined) return neverCached
  return { ...neverCached, ...ofDialect, ...(nonce !== undefined && { 'DPoP-Nonce': nonce }) }
}

/** A token that is served again has less of its life left, rounded down (002-14). */
function answerMembers(
  { values, accessToken }: IssuedToken,
  dialect: Dialect,
  tokenType: string,
  secondsLeft: number,
): Record<string, unknown> {
  return renderTemplate(
    dialect.responseMembers,
    { ...values, access_token: accessToken, token_type: tokenType, expires_in: secondsLeft },
    'members of the answer',
  )
}

/** RFC 9745 and RFC 8594: a dialect with an end date says so to those who use it. */
function dialectHeaders(
  { deprecatedAt, sunsetAt }: Dialect,
  features: ReadonlySet<DialectFeature>,
): Readonly<Record<string, string>> | undefined {
  if (features.size === 0 || (deprecatedAt === null && sunsetAt === null)) return undefined
  return {
    ...(deprecatedAt !== null && { Deprecation: `@${deprecatedAt}` }),
    ...(sunsetAt !== null && { Sunset: new Date(sunsetAt * 1000).toUTCString() }),
  }
}
