/** The only place that makes an access token. */

import {
  type Confirmation,
  derivedFromClaim,
  OAuthError,
  whenKnown,
  writeDerivedFrom,
} from '@sallyport/protocol'
import type { Signer } from '../keys/signer.ts'
import { type Dialect, standardDialect } from '../tenants/dialect.ts'
import { accessTokenSeconds } from '../tenants/lifetime.ts'
import { findOwnToken } from '../tokens/find.ts'
import { digestOfSigned } from '../tokens/own-jwt.ts'
import type { OAuthDeps } from './deps.ts'
import type { Authorization, Behalf } from './grants/grant.ts'
import { longestTokenSeconds } from './outage.ts'
import { knownRevocations, refuseStillborn } from './refuse-stillborn.ts'
import { renderTemplate } from './render-template.ts'
import type { OAuthRequest } from './request.ts'
import { reuseKey } from './reuse-key.ts'
import type { IssuedToken } from './token-reuse.ts'

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/**
 * An app that has opted out gets what the standard says, whatever its tenant's dialect. So does whoever gets a token for
 * another than itself: a dialect that writes the client as its `sub` would make it a token of the client's own.
 */
export const answerDialect = (request: OAuthRequest, { client, behalf }: Authorization): Dialect =>
  client.settings.standardOnly || behalf !== undefined ? standardDialect : request.dialect

/** A fresh token, or where the app asked for that, the one it already has. A promise only if signing is one. */
export function issueToken(
  request: OAuthRequest,
  authorization: Authorization,
  confirmation: Confirmation | null,
  deps: OAuthDeps,
): IssuedToken | Promise<IssuedToken> {
  const reuses = authorization.client.settings.tokenReuse ?? request.tenant.tokenReuse
  if (!reuses || authorization.behalf !== undefined) return mint(request, authorization, confirmation, deps)
  const key = reuseKey(request, authorization, confirmation)
  const longest = longestTokenSeconds(request, answerDialect(request, authorization), deps)
  const found = deps.reuse.find(key, request.now, longest)
  const kept = found !== undefined && isUnrevoked(found, request, deps) ? found : undefined
  request.notes.reused = kept !== undefined
  return kept ?? mintAndKeep(key, request, authorization, confirmation, deps)
}

/** A cut-off that changes no row of the app's, as that of a single token, must reach what is kept as well. */
function isUnrevoked({ facts }: IssuedToken, { tenant }: OAuthRequest, { revocations }: OAuthDeps): boolean {
  const ofTenant = revocations.inMemory(tenant.id)
  return facts !== undefined && ofTenant !== undefined && ofTenant.hits(facts) === null
}

async function mintAndKeep(
  key: string,
  request: OAuthRequest,
  authorization: Authorization,
  confirmation: Confirmation | null,
  deps: OAuthDeps,
): Promise<IssuedToken> {
  const token = await mint(request, authorization, confirmation, deps)
  const facts = (await findOwnToken(request.tenant, token.accessToken, deps))?.facts
  // Where nobody knows what has been revoked, each request gets a token of its own.
  if ((await knownRevocations(request.tenant, deps)) === null) return token
  const { client, organization } = authorization
  // A dialect need not name them in the token; who revokes all of theirs means it all the same.
  token.facts = facts && { ...facts, clientId: client.clientId, organizationId: organization.id }
  deps.reuse.keep(key, token)
  return token
}

/** Without a `jti` the tokens of one second are one: where it was given back, the next one is of the next second. */
function refuseGivenBack(
  signingInput: string,
  { tenant, now }: OAuthRequest,
  { revocations }: OAuthDeps,
): void {
  const cutOffs = revocations.inMemory(tenant.id)
  if (cutOffs === undefined || cutOffs.latest < now) return
  if (cutOffs.hits({ issuedAt: now, tokenId: digestOfSigned(signingInput) }) === null) return
  const reason = 'a token issued now would be one that was given back this second'
  throw new OAuthError('temporarily_unavailable', reason, { retryAfterSeconds: 1 })
}

const mint = (
  request: OAuthRequest,
  authorization: Authorization,
  confirmation: Confirmation | null,
  deps: OAuthDeps,
): IssuedToken | Promise<IssuedToken> => {
  const dialect = answerDialect(request, authorization)
  return whenKnown(refuseStillborn(request, authorization, dialect, deps), () =>
    make(dialect, request, authorization, confirmation, deps),
  )
}

function make(
  dialect: Dialect,
  request: OAuthRequest,
  authorization: Authorization,
  confirmation: Confirmation | null,
  deps: OAuthDeps,
): IssuedToken | Promise<IssuedToken> {
  const { now } = request
  const values = claimValues(request, authorization, longestTokenSeconds(request, dialect, deps), deps)
  const { signer, tokenFormat } = authorization.api
  const claims = renderTemplate(dialect.claims, values, 'claims')
  // RFC 7800 §3.1; no dialect can leave it out, or the token would be anybody's.
  if (confirmation !== null) claims.cnf = confirmation
  if (authorization.behalf !== undefined) addBehalf(claims, authorization.behalf)
  if (tokenFormat === 'opaque') return keepOpaque(claims, values, dialect, request, authorization, deps)
  const signingInput = `${encodedHeader(dialect, signer)}.${base64url(claims)}`
  if (!dialect.claimNames.has('jti')) refuseGivenBack(signingInput, request, deps)
  const issued = (signature: string): IssuedToken => ({
    accessToken: `${signingInput}.${signature}`,
    issuedAt: now,
    expiresAt: values.exp,
    values,
  })
  const signature = signer.sign(signingInput)
  return typeof signature === 'string' ? issued(signature) : signature.then(issued)
}

function addBehalf(claims: Record<string, unknown>, { act, mayAct, madeFrom }: Behalf): void {
  if (act !== null) claims.act = act
  if (mayAct !== undefined) claims.may_act = mayAct
  claims[derivedFromClaim] = writeDerivedFrom(madeFrom)
}

async function keepOpaque(
  claims: Readonly<Record<string, unknown>>,
  values: ReturnType<typeof claimValues>,
  dialect: Dialect,
  { tenant, now }: OAuthRequest,
  { api }: Authorization,
  { opaqueTokens }: OAuthDeps,
): Promise<IssuedToken> {
  // A dialect without `exp` promises tokens that never end, in either format.
  const expiresAt = dialect.claimNames.has('exp') ? values.exp : null
  const about = { tenantId: tenant.id, apiId: api.id, claims, issuedAt: now, expiresAt }
  return { accessToken: await opaqueTokens.issue(about), issuedAt: now, expiresAt: values.exp, values }
}

function claimValues(
  request: OAuthRequest,
  authorization: Authorization,
  longest: number,
  { effects }: OAuthDeps,
) {
  const { tenant, issuer, now } = request
  const { client, credential, organization, plan, api, scopes, grantType, behalf } = authorization
  const wished = accessTokenSeconds(tenant.lifetime, [
    client.settings.accessTokenSeconds,
    plan?.accessTokenSeconds,
    api.accessTokenSeconds,
  ])
  const most = Math.min(wished, longest)
  const seconds = behalf === undefined ? most : Math.min(most, behalf.endsAt - now)
  return {
    issuer: tenant.tokenIssuer ?? issuer,
    client_id: client.clientId,
    // RFC 9068 §2.2: where nobody else is spoken for, the client is its own subject.
    subject: behalf === undefined ? client.clientId : behalf.subject,
    audience: api.audience,
    scope: scopes.length === 0 ? undefined : scopes.join(' '),
    scopes,
    iat: now,
    exp: now + seconds,
    jti: effects.uuid(),
    expires_in: seconds,
    credential_id: credential?.id,
    grant_type: grantType,
    tenant,
    app: { id: client.id, name: client.name, attributes: client.settings.attributes },
    organization,
    plan: plan ?? undefined,
  }
}

const headers = new WeakMap<Dialect, WeakMap<Signer, string>>()

/** A header depends on the dialect and the key alone, so each pair is encoded once. */
function encodedHeader(dialect: Dialect, signer: Signer): string {
  let ofDialect = headers.get(dialect)
  if (!ofDialect) {
    ofDialect = new WeakMap()
    headers.set(dialect, ofDialect)
  }
  const known = ofDialect.get(signer)
  if (known !== undefined) return known
  const header = base64url(dialect.header.render({ alg: signer.algorithm, kid: signer.kid }))
  ofDialect.set(signer, header)
  return header
}
