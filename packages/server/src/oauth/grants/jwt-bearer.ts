/**
 * RFC 7523 §2.1: an outside issuer that the tenant trusts has said of whom the token is to be. With the type of an ID-JAG
 * (draft-ietf-oauth-identity-assertion-authz-grant-04) it also says for which client, resource and scopes.
 */

import { hash } from 'node:crypto'
import {
  type Confirmation,
  clockSkewSeconds,
  isScopeToken,
  type Jws,
  mediaTypeOf,
  readConfirmation,
  readJws,
  refuse,
} from '@sallyport/protocol'
import { compileScopes } from '../../apps/app-settings.ts'
import { jwtBearerType } from '../../apps/settings.ts'
import type { Use } from '../../store/database.ts'
import type { Api, Plan } from '../../tenants/tenant.ts'
import { trusts } from '../../tenants/trusted-issuers.ts'
import { apiFor, askedTarget, meantBy } from '../choose-api.ts'
import { chooseScopes, grantedOf, limitOf } from '../choose-scopes.ts'
import type { AuthenticatedClient } from '../client-auth/proven-client.ts'
import { refuseWithoutDatabase } from '../client-request.ts'
import type { OAuthRequest } from '../request.ts'
import { mayActAs, ownNames, readActors } from './actors.ts'
import type { Grant } from './grant.ts'
import { type OutsideToken, readOutsideToken } from './outside-token.ts'
import { planOf } from './plan-of.ts'

const idJagType = 'oauth-id-jag+jwt'

export const jwtBearer: Grant = {
  type: jwtBearerType,
  isOfferedBy: ({ trustedIssuers }) => trusts(trustedIssuers, 'assertion', 'id_jag'),
  async authorize(request, authenticated, deps) {
    const { client, credential, organization } = authenticated
    // RFC 7523 §3.1 leaves it open; the ID-JAG draft §8.1 is for confidential clients.
    if (credential === null) refuse('invalid_client', 'public client')
    refuseWithoutDatabase(request, deps)
    const text = request.form.get('assertion')
    if (text === undefined) return refuse('invalid_request', 'assertion missing', 'assertion is missing.')
    const jws = readJws(text) ?? refuse('invalid_grant', 'assertion malformed')
    const use = useOf(jws)
    const token = await readOutsideToken(jws, use, request, authenticated, deps)
    if (typeof token === 'string') return refuse('invalid_grant', `assertion: ${token}`)
    const once = onceOf(token, request)
    if (use === 'id_jag') checkIdJag(token, request, authenticated)
    const { act, may_act: mayAct } = token.claims
    const ours = ownNames(request.tenant, deps)
    if (!mayActAs(mayAct, client.clientId, ours, 'an outside issuer'))
      refuse('invalid_grant', 'assertion whose may_act means another actor')
    const actors = readActors(act, { issuer: token.trusted.rule.issuer, ours })
    if (actors === 'unreadable') return refuse('invalid_grant', 'assertion with an act that cannot be read')
    const plan = planOf(request.tenant, organization)
    const api = apiOf(use, token, request, authenticated)
    const scopes = scopesOf(use, token, request, authenticated, api, plan)
    const { maximumAccessTokenSeconds: seconds } = token.trusted
    const behalf = {
      subject: token.subject,
      act: actors,
      mayAct,
      madeFrom: [token.facts],
      endsAt: seconds === null ? Number.POSITIVE_INFINITY : request.now + seconds,
      boundTo: boundTo(token),
      refusal: 'invalid_grant',
      issuedTokenType: null,
      // ID-JAG draft §8.6.1.2.4.
      refusalWithoutKey: use === 'id_jag' ? 'invalid_grant' : null,
      // ID-JAG draft §4.4.1: what was granted of the resources that it names.
      saysResource: use === 'id_jag' && token.claims.resource !== undefined,
      once,
    } as const
    return { grantType: jwtBearerType, client, credential, organization, plan, api, scopes, behalf }
  },
}

/** RFC 8725 §3.11: what was made for another purpose says so. */
function useOf(jws: Jws): 'assertion' | 'id_jag' {
  const type = mediaTypeOf(jws)
  if (type === idJagType) return 'id_jag'
  return type === 'jwt' || type === null ? 'assertion' : refuse('invalid_grant', 'assertion of another type')
}

const longestId = 256

function onceOf({ claims, trusted: { rule }, expiresAt }: OutsideToken, { tenant }: OAuthRequest): Use {
  const { jti } = claims
  if (typeof jti !== 'string' || jti === '' || jti.length > longestId)
    return refuse('invalid_grant', 'assertion without a usable jti')
  return {
    digest: hash('sha256', `grant assertion ${tenant.id} ${rule.issuer} ${jti}`, 'buffer'),
    expiresAt: Math.ceil(expiresAt) + clockSkewSeconds,
  }
}

/** ID-JAG draft §4.4.1. */
function checkIdJag(
  { claims }: OutsideToken,
  { tenant }: OAuthRequest,
  { client }: AuthenticatedClient,
): void {
  if (claims.client_id !== client.clientId) refuse('invalid_grant', 'ID-JAG for another client')
  if (claims.iat === undefined) refuse('invalid_grant', 'ID-JAG without iat')
  // Ours have issuers of their own; whoever names one of them, or an organization, means no other.
  const { aud_tenant: meant } = claims
  if (meant !== undefined && meant !== tenant.id && meant !== client.organizationId)
    refuse('invalid_grant', 'ID-JAG for another tenant')
  // It limits what may be granted, in words that are not understood here.
  if (claims.authorization_details !== undefined) refuse('invalid_grant', 'ID-JAG with authorization_details')
}

/** RFC 8707 §2: what was asked for, within what the ID-JAG names; it may say alone what the request leaves open. */
function apiOf(
  use: 'assertion' | 'id_jag',
  { claims: { resource } }: OutsideToken,
  { tenant, form }: OAuthRequest,
  { client }: AuthenticatedClient,
): Api {
  const asked = askedTarget(tenant, form)
  if (use === 'assertion' || resource === undefined) return apiFor(tenant, asked, client.settings)
  const named: readonly unknown[] = Array.isArray(resource) ? resource : [resource]
  const [only] = named
  const isNamed = (target: string) =>
    named.some((one) => typeof one === 'string' && meantBy(tenant, one) === meantBy(tenant, target))
  if (asked !== null && !isNamed(asked)) refuse('invalid_target', 'ID-JAG for another resource')
  if (asked === null && (named.length !== 1 || typeof only !== 'string'))
    refuse('invalid_target', 'ID-JAG for several resources', 'Name one resource of the assertion.')
  return apiFor(tenant, asked ?? String(only), client.settings)
}

function scopesOf(
  use: 'assertion' | 'id_jag',
  { claims, trusted: { scopesByApi } }: OutsideToken,
  { form }: OAuthRequest,
  { client: { settings } }: AuthenticatedClient,
  api: Api,
  plan: Plan | null,
): readonly string[] {
  if (scopesByApi !== null && !scopesByApi.has(api.id))
    refuse('invalid_target', 'API that the issuer is not trusted with')
  const limits = limitOf(scopesByApi, api)
  const asked = form.get('scope')
  if (use === 'assertion' || claims.scope === undefined)
    return chooseScopes(asked, api, plan, settings, limits)
  const named = namedScopes(claims.scope)
  return asked === undefined
    ? grantedOf(named, api, plan, settings, limits)
    : chooseScopes(asked, api, plan, settings, [...limits, compileScopes(named)])
}

const longestScope = 4_096

/** RFC 6749 §3.3. */
function namedScopes(claim: unknown): readonly string[] {
  const scopes = typeof claim === 'string' && claim.length <= longestScope ? claim.split(' ') : []
  return scopes.length > 0 && scopes.every(isScopeToken)
    ? scopes
    : refuse('invalid_grant', 'ID-JAG whose scope is malformed')
}

/** ID-JAG draft §8.6.1.2, RFC 7800 §3.1. */
function boundTo({ claims: { cnf } }: OutsideToken): readonly Confirmation[] {
  if (cnf === undefined) return []
  return [readConfirmation(cnf) ?? refuse('invalid_grant', 'assertion bound to what cannot be proven here')]
}
