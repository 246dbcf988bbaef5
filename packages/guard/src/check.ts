/** One request, top to bottom: its endpoint, its token, what the token is bound to, its scopes, its limit. */

import { type Confirmation, type RefusalReason, type Soon, whenKnown } from '@sallyport/protocol'
import { checkCertificate } from './binding/certificate.ts'
import type { DpopChecker } from './binding/dpop.ts'
import { type Credentials, readCredentials } from './credentials.ts'
import type { Deadline } from './deadline.ts'
import type { EndpointName, NamedEndpoint } from './endpoint-name.ts'
import { rateLimitHeaders } from './limits/headers.ts'
import { limitKey } from './limits/key.ts'
import type { LimitStore } from './limits/limit.ts'
import { tighterLimit } from './limits-of-endpoints.ts'
import type { LimitOfNamed } from './policy/issuer-policy.ts'
import type { ApiPolicy } from './policy/read-policy.ts'
import type { RefusalDetail, Refused } from './refusal.ts'
import type { RequestView } from './request-view.ts'
import type { Requirement, RequirementCheck } from './requirement.ts'
import type { FeedWatch } from './revocation/policy.ts'
import type { RouteTable } from './routes/route-table.ts'
import type { Runtime } from './runtime/runtime.ts'
import type { Access, VerifiedToken } from './tokens/access.ts'
import type { Verifier } from './tokens/verifier.ts'

/** The request may go on. */
export interface Allowed {
  readonly isAllowed: true
  /** Null at a public endpoint, where no token is looked at. */
  readonly access: Access | null
  /** To be sent with the answer: rate limits, and the next DPoP nonce. */
  readonly headers: Readonly<Record<string, string>>
}

/** What `guard.check` answers; `isAllowed` tells the two apart. */
export type Decision = Allowed | Refused

type Declared = Pick<ApiPolicy, 'routes' | 'names'>

export interface CheckDeps {
  readonly issuer: string
  readonly audience: string
  readonly verifier: Verifier
  readonly feed: FeedWatch
  /** Null where `check` is told what a request needs; `unknown` while the issuer has not told. */
  readonly routes: () => Soon<RouteTable<NamedEndpoint> | null | 'unknown'>
  /** By what the issuer declares is counted, where routes say what they need; null where nothing is known of it. */
  readonly declared: () => Soon<Declared | null>
  readonly nameOf: (endpoint: string | undefined) => EndpointName
  readonly checkRequirement: RequirementCheck
  readonly unlisted: 'refuse' | 'authenticate'
  /** Without an audience in the tokens nothing but a scope tells APIs apart (001-17). */
  readonly needsScope: boolean
  readonly senderConstraint: 'none' | 'dpop' | 'mtls' | 'any'
  /** Null where the API has no URL to prove anything for. */
  readonly dpop: DpopChecker | null
  readonly runtime: Runtime
  readonly limits: { readonly store: LimitStore; readonly limitOf: LimitOfNamed } | null
  readonly refuse: (reason: RefusalReason, detail?: RefusalDetail) => Refused
  readonly awaiting: Deadline['awaiting']
}

const noHeaders: Readonly<Record<string, string>> = {}
const anybody: Allowed = { isAllowed: true, access: null, headers: noHeaders }

export function checkRequest(
  request: RequestView,
  requirement: Requirement,
  deps: CheckDeps,
): Soon<Decision> {
  if (requirement.limit !== undefined) deps.checkRequirement(requirement)
  const { awaiting } = deps
  return whenKnown(awaiting(request, 'policy_unavailable', deps.routes()), (routes) => {
    if (routes === 'unknown') return deps.refuse('policy_unavailable')
    if (routes !== null) return checkFor(neededBy(request, requirement, routes, deps), request, deps)
    return whenKnown(awaiting(request, 'limits_unavailable', deps.declared()), (declared) =>
      checkFor(saidBy(request, requirement, declared, deps), request, deps),
    )
  })
}

function checkFor(needed: Needed | Decision, request: RequestView, deps: CheckDeps): Soon<Decision> {
  if ('isAllowed' in needed) return needed
  const credentials = readCredentials(request)
  if (typeof credentials === 'string') return deps.refuse(credentials)
  const { awaiting } = deps
  return whenKnown(awaiting(request, 'feed_cut', deps.feed.begun()), () =>
    whenKnown(verifyToken(request, credentials, deps), (verified) => {
      if (typeof verified === 'string') return deps.refuse(verified, { scheme: credentials.scheme })
      const binding = checkBinding(request, credentials, verified.confirmation, deps)
      return whenKnown(awaiting(request, 'proofs_unavailable', binding), (bound) => {
        const decision = checkCaller(verified, needed, { ...bound, scheme: credentials.scheme }, deps)
        // Nothing of a caller is asked for but limits.
        return awaiting(request, 'limits_unavailable', decision)
      })
    }),
  )
}

function verifyToken(request: RequestView, { token }: Credentials, { verifier, awaiting }: CheckDeps) {
  const verified = verifier.verify(token)
  return verified instanceof Promise ? awaiting(request, verifier.lackFor(token), verified) : verified
}

/** The token is good, and its sender holds what it is bound to. */
function checkCaller(
  { access }: VerifiedToken,
  needed: Needed,
  { problem, headers, scheme }: BindingOutcome & Pick<Credentials, 'scheme'>,
  deps: CheckDeps,
): Soon<Decision> {
  const known = { scheme, clientId: access.clientId, headers }
  if (problem !== null) return deps.refuse(problem, known)
  if (!deps.feed.mayPass()) return deps.refuse('feed_cut', known)
  const { scope = [] } = needed
  const scopes = typeof scope === 'string' ? [scope] : scope
  const isLet = scopes.every((scope) => access.has(scope)) && !(deps.needsScope && scopes.length === 0)
  if (!isLet) return deps.refuse('insufficient_scope', { ...known, scope: scopes.join(' ') })
  return countRequest(access, needed, known, deps)
}

type Needed = NamedEndpoint

/** What the request needs by a table, or what is said to it before any token is looked at. */
function neededBy(
  request: RequestView,
  requirement: Requirement,
  routes: RouteTable<NamedEndpoint>,
  { unlisted, nameOf, refuse }: CheckDeps,
): Needed | Decision {
  const route = routes.find(request.routedMethod ?? request.method, request.url)
  if (route.endpoint !== undefined) return neededAt(route.endpoint, requirement)
  if (route.refused === 'malformed') return refuse('path_malformed')
  if (unlisted === 'authenticate') return said(nameOf(requirement.endpoint), requirement)
  return route.refused === 'method'
    ? refuse('method_unknown', { headers: { allow: route.allow.join(', ') } })
    : refuse('path_unknown')
}

/** What a route says beside the table counts as well: nobody who writes a scope down means it to be passed over. */
function neededAt(endpoint: NamedEndpoint, { scope, limit }: Requirement): Needed | Decision {
  if (scope === undefined && endpoint.isPublic === true) return anybody
  if (scope === undefined && limit === undefined) return endpoint
  const scopes = [endpoint.scope ?? noScope, scope ?? noScope].flat()
  return { ...endpoint, scope: scopes, limit: tighterLimit(endpoint.limit, limit) }
}

/** What the request needs by its route, to be counted by what the issuer declares: no spelling of a path leads past that. */
function saidBy(
  request: RequestView,
  requirement: Requirement,
  declared: Declared | null,
  { nameOf, refuse }: CheckDeps,
): Needed | Decision {
  const name = nameOf(requirement.endpoint)
  if (declared === null || declared.names.size === 0) return said(name, requirement)
  const route = declared.routes.find(request.routedMethod ?? request.method, request.url)
  if (route.endpoint !== undefined) return said(route.endpoint, requirement, route.endpoint.limit)
  if (route.refused !== 'malformed') return said(name, requirement)
  if (route.resembled !== undefined) return said(route.resembled, requirement, route.resembled.limit)
  return declared.names.has(name.name) ? said(name, requirement) : refuse('path_malformed')
}

const noScope: readonly string[] = []

const said = (
  { method, path, name }: Pick<Needed, 'method' | 'path' | 'name'>,
  { scope = noScope, limit }: Requirement,
  declaredLimit?: unknown,
): Needed => ({ method, path, name, scope, limit: tighterLimit(declaredLimit, limit) })

interface BindingOutcome {
  readonly problem: RefusalReason | null
  readonly headers: Readonly<Record<string, string>>
}

const unbound: BindingOutcome = { problem: null, headers: noHeaders }
const because = (problem: RefusalReason): BindingOutcome => ({ problem, headers: noHeaders })

function checkBinding(
  request: RequestView,
  credentials: Credentials,
  confirmation: Confirmation | null,
  deps: CheckDeps,
): Soon<BindingOutcome> {
  if (confirmation === null) {
    // RFC 9449 §7.1: the scheme DPoP says that the token is bound.
    const isRight = credentials.scheme === 'Bearer' && deps.senderConstraint === 'none'
    if (isRight) return unbound
    // A proof would not help: what the API demands is a certificate.
    return because(deps.senderConstraint === 'mtls' ? 'certificate' : 'not_bound')
  }
  return confirm(request, credentials, confirmation, deps)
}

/** All that a token is bound to must be proven, and what the API demands must be among it. */
async function confirm(
  request: RequestView,
  { scheme, token }: Credentials,
  { jkt, 'x5t#S256': certificate }: Confirmation,
  { senderConstraint, dpop, runtime }: CheckDeps,
): Promise<BindingOutcome> {
  if (senderConstraint === 'dpop' && jkt === undefined) return because('not_bound')
  if (senderConstraint === 'mtls' && certificate === undefined) return because('certificate')
  if (certificate !== undefined) {
    const problem = await checkCertificate(certificate, request, runtime)
    if (problem !== null) return because(problem)
  }
  if (jkt === undefined) return scheme === 'DPoP' ? because('not_bound') : unbound
  // RFC 9449 §7.2: a bound token that comes as a bearer token was stolen, or its client does not know better.
  if (scheme === 'Bearer' || dpop === null) return because('bound_to_dpop_key')
  const { problem, nonce } = await dpop.check(request, token, jkt)
  return { problem, headers: nonce === null ? noHeaders : { 'dpop-nonce': nonce } }
}

type KnownCaller = Required<Pick<RefusalDetail, 'scheme' | 'clientId' | 'headers'>>

function countRequest(
  access: Access,
  needed: Needed,
  known: KnownCaller,
  { issuer, audience, limits, refuse }: CheckDeps,
): Soon<Decision> {
  const headers = known.headers ?? noHeaders
  if (limits === null) return { isAllowed: true, access, headers }
  const { store, limitOf } = limits
  return whenKnown(limitOf(access, needed), (limit): Soon<Decision> => {
    if (limit === null) return { isAllowed: true, access, headers }
    // An app that the tokens do not name shares a bucket with all such: none is let by uncounted.
    const clientId = access.clientId ?? access.subject ?? ''
    return whenKnown(
      store.take(limitKey({ issuer, audience, clientId, endpoint: needed.name }), limit),
      (taken): Decision => {
        const told = { ...headers, ...rateLimitHeaders(limit, taken) }
        return taken.isAllowed
          ? { isAllowed: true, access, headers: told }
          : refuse('rate_limited', { ...known, headers: told })
      },
    )
  })
}
