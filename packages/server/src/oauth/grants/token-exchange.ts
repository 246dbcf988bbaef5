/**
 * RFC 8693: a token for less, for another API, or in somebody's name, for a token that the client was given. What may be
 * exchanged is the app's policy; what comes out is never more than what went in, on the same API, and never lives longer.
 */

import { refuse, type SourceFacts } from '@sallyport/protocol'
import { compileScopes, type ExchangePolicy, type GrantedScopes } from '../../apps/app-settings.ts'
import { tokenExchangeType } from '../../apps/settings.ts'
import type { Api, Tenant } from '../../tenants/tenant.ts'
import { chooseApi } from '../choose-api.ts'
import { chooseScopes, limitOf } from '../choose-scopes.ts'
import type { AuthenticatedClient } from '../client-auth/proven-client.ts'
import { refuseWithoutDatabase } from '../client-request.ts'
import { chainedTo, mayActAs, ownNames } from './actors.ts'
import { type BroughtToken, readBroughtToken, refuseToken } from './brought-token.ts'
import { readExchangeForm, tokenTypeUri } from './exchange-form.ts'
import type { Actor, Behalf, Grant } from './grant.ts'
import { planOf } from './plan-of.ts'

export const tokenExchange: Grant = {
  type: tokenExchangeType,
  isOfferedBy: ({ exchangesTokens }) => exchangesTokens,
  async authorize(request, caller, deps) {
    const { client, credential } = caller
    if (credential === null) refuse('invalid_client', 'public client')
    // A token that is dead elsewhere must not come back to life here.
    refuseWithoutDatabase(request, deps)
    const asked = readExchangeForm(request.form)
    const policy = client.settings.tokenExchange ?? refuseToken('subject', 'the app may exchange nothing')
    const subject = await readBroughtToken('subject', asked.subject, request, caller, deps)
    checkSubject(subject, policy, caller)
    const actor = asked.actor && (await readBroughtToken('actor', asked.actor, request, caller, deps))
    if (actor !== null) checkActor(actor, policy, caller)
    const api = chooseApi(request.tenant, request.form, client.settings)
    checkTarget(api, subject, policy)
    if (asked.requestedType === 'jwt' && api.tokenFormat !== 'jwt')
      refuse('invalid_request', 'JWT of an API with opaque tokens', 'Tokens of this API are no JWTs.')
    const plan = planOf(request.tenant, caller.organization)
    const limits = limitsOf(subject, api, request.tenant)
    const scopes = chooseScopes(request.form.get('scope'), api, plan, client.settings, limits)
    const issuedTokenType = tokenTypeUri(asked.requestedType)
    const here = { now: request.now, ours: ownNames(request.tenant, deps) }
    const behalf = { ...behalfOf(subject, actor, policy, caller, here), issuedTokenType }
    // The token is about its subject, and so are the facts about an organization in it.
    const organization = subject.own?.organization ?? caller.organization
    return { grantType: tokenExchangeType, client, credential, organization, plan, api, scopes, behalf }
  },
}

/** All apps whose rights are in it, not only the last one that held it. */
function checkSubject(
  { clients }: BroughtToken,
  { subjects }: ExchangePolicy,
  { client }: AuthenticatedClient,
): void {
  const stranger = clients.find((one) => one.clientId !== client.clientId && !subjects.has(one.id))
  if (stranger !== undefined)
    refuseToken('subject', `of app ${stranger.id}, whose tokens the app may not bring`)
}

function checkActor(actor: BroughtToken, { actors }: ExchangePolicy, { client }: AuthenticatedClient): void {
  // Who acts in the name of somebody who acts would be a second chain beside the subject's.
  if (actor.facts.length > 1) refuseToken('actor', 'speaks for another')
  const isKnown = actor.clients.every((one) => one.clientId === client.clientId || actors.has(one.id))
  if (!isKnown) refuseToken('actor', 'of an app that may not be shown as actor')
}

/** A token that names no API is for each of its tenant's. */
const isFor = ({ own }: BroughtToken, api: Api): boolean =>
  own !== null && (own.token.apiId === null || own.token.apiId === api.id)

function checkTarget(api: Api, subject: BroughtToken, { targets }: ExchangePolicy): void {
  if (!isFor(subject, api) && !targets.has(api.id))
    refuse('invalid_target', 'API that the app may not get to from that of the subject token')
  const isTrusted = subject.trust.every(({ scopesByApi }) => scopesByApi === null || scopesByApi.has(api.id))
  if (!isTrusted) refuse('invalid_target', 'API that the issuer is not trusted with')
}

/** On an API what every token of the chain had there; everywhere what its subject's plan and the issuers behind it leave. */
function limitsOf({ facts, own, trust }: BroughtToken, api: Api, tenant: Tenant): readonly GrantedScopes[] {
  const ofTokens = facts.flatMap(({ apiId = api.id, scope }) =>
    scope !== undefined && apiId === api.id ? [compileScopes(scope.split(' '))] : [],
  )
  const ofPlan = own === null ? [] : limitOf(planOf(tenant, own.organization)?.scopesByApi ?? null, api)
  return [...ofTokens, ...ofPlan, ...trust.flatMap(({ scopesByApi }) => limitOf(scopesByApi, api))]
}

type Speaking = Omit<Behalf, 'issuedTokenType'>

function behalfOf(
  subject: BroughtToken,
  actor: BroughtToken | null,
  { isDelegation }: ExchangePolicy,
  caller: AuthenticatedClient,
  { now, ours }: { readonly now: number; readonly ours: readonly string[] },
): Speaking {
  const { clientId } = caller.client
  // Whoever makes less of the token it holds acts as it did before.
  const isHolder = subject.own?.token.facts.clientId === clientId && actor === null
  if (!isDelegation && actor !== null) refuseToken('actor', 'in the way of impersonation')
  const acting = actor?.subject ?? clientId
  const saidBy = subject.own === null ? 'an outside issuer' : 'us'
  if (!isHolder && !mayActAs(subject.mayAct, acting, ours, saidBy))
    refuseToken('subject', 'whose may_act means another actor')
  const endsAt = endOf(subject, actor, now)
  // Of an outside issuer one is good for a moment longer, which is too late to hang another on.
  if (endsAt <= now) refuseToken('subject', 'expired')
  return {
    subject: subject.subject,
    act: isDelegation && !isHolder ? chained(acting, subject.act) : subject.act,
    // Whom the subject has named stays named: nobody else gets to act by a detour.
    mayAct: subject.mayAct,
    madeFrom: madeFromOf(subject, actor, caller, now),
    endsAt,
    boundTo: [...subject.boundTo, ...(actor?.boundTo ?? [])],
    refusal: 'invalid_request',
    refusalWithoutKey: null,
    saysResource: false,
    once: null,
  }
}

function endOf(subject: BroughtToken, actor: BroughtToken | null, now: number): number {
  const { maximumAccessTokenSeconds: seconds = null } = subject.outside?.trusted ?? {}
  const ends = [subject.expiresAt, actor?.expiresAt, seconds === null ? undefined : now + seconds]
  return Math.floor(Math.min(...ends.flatMap((end) => end ?? [])))
}

function chained(acting: string, before: Actor | null): Actor {
  const chain = chainedTo(acting, before)
  return chain === 'too long' ? refuseToken('subject', 'with too many actors') : chain
}

const mostFacts = 16

function madeFromOf(
  subject: BroughtToken,
  actor: BroughtToken | null,
  { client, credential, organization }: AuthenticatedClient,
  now: number,
): readonly SourceFacts[] {
  // The token names the organization of its subject; the one that acts can be cut off as well.
  const isElsewhere = subject.own !== null && subject.own.organization.id !== organization.id
  const itself = {
    issuedAt: now,
    clientId: client.clientId,
    credentialId: credential?.id,
    organizationId: organization.id,
  }
  // What an actor's token opens is nothing to this one.
  const ofActor = (actor?.facts ?? []).map(({ apiId: _, scope: __, ...facts }) => facts)
  const all = [...subject.facts, ...ofActor, ...(isElsewhere ? [itself] : [])]
  return all.length > mostFacts ? refuseToken('subject', 'made from too many others') : all
}
