/** The parts of a guard, each made from the options and from those before it. */

import { defaultSignatureAlgorithms, encodeBase64url, whenKnown } from '@sallyport/protocol'
import { createDpopChecker, type DpopChecker } from './binding/dpop.ts'
import { createNonces } from './binding/nonces.ts'
import type { CheckDeps } from './check.ts'
import type { Effects } from './effects.ts'
import { named } from './endpoint-name.ts'
import type { Issuer } from './issuer/issuer.ts'
import { createIssuerKeys, type IssuerKeys } from './keys/issuer-keys.ts'
import { limitOfEndpoint } from './limits-of-endpoints.ts'
import { resourceMetadata, resourceMetadataUrl } from './metadata.ts'
import { type GuardOptions, resourceOf } from './options.ts'
import { createIssuerPolicy, type IssuerPolicy } from './policy/issuer-policy.ts'
import { type Follower, followRevocations } from './revocation/follower.ts'
import { createRouteTable } from './routes/route-table.ts'
import type { Runtime } from './runtime/runtime.ts'
import { tell } from './tell.ts'
import { createIntrospection, type Introspection } from './tokens/introspection.ts'
import { profileOf } from './tokens/profile.ts'
import { createVerifier } from './tokens/verifier.ts'

export interface World {
  readonly effects: Effects
  readonly runtime: Runtime
}

/** RFC 9728: what clients may know of an API, and under which path. */
export interface ServedMetadata {
  readonly path: string
  readonly document: Readonly<Record<string, unknown>>
}

export const keysOf = ({ keys }: GuardOptions, issuer: Issuer, { effects, runtime }: World): IssuerKeys =>
  createIssuerKeys({
    ...{ refreshSeconds: 300, coolDownSeconds: 30, oldestSeconds: 3_600, ...keys },
    ...{ fetchKeys: issuer.fetchKeys, clock: effects.clock, runtime },
  })

export const introspectionOf = (
  { issuer: url, audience, tokens, credentials, introspect, cache }: GuardOptions,
  issuer: Issuer,
  { effects }: World,
): Introspection | null =>
  credentials === undefined || introspect === undefined
    ? null
    : createIntrospection({
        ...{ issuer: url, audience, profile: profileOf(url, tokens) },
        ...{ ask: issuer.introspect, clock: effects.clock },
        ...{ answerSeconds: cache?.introspectionSeconds ?? 30, entries: cache?.tokens ?? 10_000 },
      })

/** Null where everything is said in the options. */
export function policyOf(
  { audience, credentials, endpoints, limits, cache }: GuardOptions,
  issuer: Issuer,
  isFollowing: () => boolean,
  { effects }: World,
): IssuerPolicy | null {
  const isAsked = endpoints === 'issuer' || (limits !== undefined && limits.limitOf === undefined)
  if (credentials === undefined || !isAsked) return null
  return createIssuerPolicy({ issuer, audience, isFollowing, effects, entries: cache?.apps ?? 10_000 })
}

export interface ToldOfNews {
  readonly introspection: Introspection | null
  readonly policy: IssuerPolicy | null
}

export function follow(
  { onRevocationState }: GuardOptions,
  issuer: Issuer,
  { introspection, policy }: ToldOfNews,
  { effects }: World,
): Follower {
  let edition = 0
  let told = ''
  return followRevocations({
    effects,
    open: issuer.openFeed,
    onPolicy: (clientId) => policy?.forget(clientId),
    onChange(state) {
      if (state.edition !== edition) introspection?.forget()
      edition = state.edition
      // Each attempt to connect again fails with the same words, and that is no news.
      const news = `${edition} ${state.isConnected} ${state.failure?.message}`
      if (news !== told) tell(onRevocationState, state)
      told = news
    },
  })
}

export interface Sources {
  readonly keys: IssuerKeys
  readonly introspection: Introspection | null
  readonly follower: Follower | null
}

export const verifierOf = (
  { issuer, audience, tokens, introspect, cache }: GuardOptions,
  { keys, introspection, follower }: Sources,
  { effects, runtime }: World,
) =>
  createVerifier({
    jwt: { issuer, audience, profile: profileOf(issuer, tokens), keys, runtime },
    introspection,
    asksAlways: introspect === 'always',
    clock: effects.clock,
    entries: cache?.tokens ?? 10_000,
    revocations: () => follower?.state ?? null,
  })

const proofAlgorithmsOf = ({ dpop }: GuardOptions) => dpop?.algorithms ?? defaultSignatureAlgorithms

export function termsOf(
  options: GuardOptions,
  policy: IssuerPolicy | null,
  world: World,
): Omit<CheckDeps, 'verifier' | 'feed' | 'refuse' | 'runtime' | 'nameOf' | 'checkRequirement' | 'awaiting'> {
  const { issuer, audience, unlisted = 'refuse', tokens, senderConstraint = 'none', limits } = options
  return {
    ...{ issuer, audience },
    routes: routesOf(options, policy),
    declared: () => (options.endpoints === undefined ? (policy?.declared() ?? null) : null),
    unlisted,
    needsScope: tokens?.acceptMissing?.includes('aud') === true,
    senderConstraint,
    dpop: dpopOf(options, world),
    limits: limits === undefined ? null : { limitOf: policy?.limitOf ?? limitOfEndpoint, ...limits },
  }
}

function routesOf({ endpoints }: GuardOptions, policy: IssuerPolicy | null): CheckDeps['routes'] {
  if (endpoints === 'issuer')
    return () => whenKnown(policy?.declared() ?? null, (declared) => declared?.routes ?? 'unknown')
  const routes = endpoints === undefined ? null : createRouteTable(endpoints.map(named))
  return () => routes
}

function dpopOf(options: GuardOptions, { effects, runtime }: World): DpopChecker | null {
  const resource = resourceOf(options)
  if (resource === null) return null
  const { nonces = false, cutPrefix = '', proofs = null } = options.dpop ?? {}
  // Later than here: edge runtimes give no randomness while a module is loaded, where guards are made.
  const drawKey = () => (typeof nonces === 'string' ? nonces : encodeBase64url(effects.random(32)))
  return createDpopChecker({
    base: new URL(resource).origin + cutPrefix,
    algorithms: new Set(proofAlgorithmsOf(options)),
    nonces: nonces === false ? null : createNonces(drawKey, runtime),
    proofs,
    runtime,
    clock: effects.clock,
  })
}

export function refuserTerms(options: GuardOptions) {
  const resource = resourceOf(options)
  return {
    realm: options.audience,
    resourceMetadata: resource === null ? null : resourceMetadataUrl(resource).href,
    proofAlgorithms: proofAlgorithmsOf(options),
    acceptsDpop: resource !== null,
    senderConstraint: options.senderConstraint ?? 'none',
  }
}

/** Adapters ask for the path at each request, for the document hardly ever; its scopes are those that the issuer says now. */
export function metadataOf(options: GuardOptions, policy: IssuerPolicy | null): ServedMetadata | null {
  const resource = resourceOf(options)
  if (resource === null) return null
  return {
    path: resourceMetadataUrl(resource).pathname,
    get document() {
      const { endpoints = [] } = options
      const known = endpoints === 'issuer' ? (policy?.endpoints ?? []) : endpoints
      const scopes = known.flatMap(({ scope = [] }) => scope)
      return resourceMetadata({
        ...{ resource, issuer: options.issuer, scopes: [...new Set(scopes)] },
        ...{
          proofAlgorithms: proofAlgorithmsOf(options),
          senderConstraint: options.senderConstraint ?? 'none',
        },
      })
    },
  }
}
