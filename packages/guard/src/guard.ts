/** The guard of one API, put together from its options. */

import { encodeBase64url, type Soon, whenKnown } from '@sallyport/protocol'
import { createDpopChecker, type DpopChecker } from './binding/dpop.ts'
import { createNonces } from './binding/nonces.ts'
import { type CheckDeps, checkRequest, type Decision, type Requirement } from './check.ts'
import { type Counts, createCounter } from './counts.ts'
import { type Effects, systemEffects } from './effects.ts'
import { createIssuer, type Issuer } from './issuer/issuer.ts'
import { createIssuerKeys, type IssuerKeys } from './keys/issuer-keys.ts'
import { limitOfEndpoint } from './limits-of-endpoints.ts'
import { resourceMetadata, resourceMetadataUrl } from './metadata.ts'
import { checkOptions, type GuardOptions, resourceOf } from './options.ts'
import { createIssuerPolicy, type IssuerPolicy } from './policy/issuer-policy.ts'
import { createRefuser } from './refusal.ts'
import type { RequestView } from './request-view.ts'
import { type Follower, followRevocations } from './revocation/follower.ts'
import { type FeedStanding, standardPolicy, watchFeed } from './revocation/policy.ts'
import { createRouteTable } from './routes/route-table.ts'
import type { Runtime } from './runtime/runtime.ts'
import { systemRuntime } from './runtime/system.ts'
import { createIntrospection, type Introspection } from './tokens/introspection.ts'
import { profileOf } from './tokens/profile.ts'
import { createVerifier } from './tokens/verifier.ts'

/** What stands at the door of an API. */
export interface Guard {
  /**
   * Decides about a request; a Web `Request` is taken as it is. Never throws for what a request holds. Known at once, and
   * not a promise, where the token has been seen before and nothing has to be asked; `await` does for both.
   */
  check(request: RequestView, requirement?: Requirement): Soon<Decision>
  /** RFC 9728: what clients may know of this API, and under which path; null where it has no URL. */
  readonly metadata: { readonly path: string; readonly document: Readonly<Record<string, unknown>> } | null
  /** For readiness checks and metrics. */
  status(): GuardStatus
  /** Stops following revocations. */
  close(): void
}

/** What the guard has done since it was made, and what it knows: for metrics and readiness checks. */
export interface GuardStatus extends Counts {
  readonly revocations: {
    readonly standing: FeedStanding
    readonly isConnected: boolean
    /** Epoch seconds until which nothing was missed; null before the first contact. */
    readonly heardAt: number | null
    /** Why the last connection ended; null while it stands. */
    readonly failure: string | null
  }
  /** Epoch seconds; null before the first fetch. */
  readonly keysFetchedAt: number | null
  /** Endpoints and limits as the issuer declares them; null where it is not asked. */
  readonly policy: { readonly fetchedAt: number | null; readonly failure: string | null } | null
}

interface World {
  readonly effects: Effects
  readonly runtime: Runtime
}

/**
 * Creates the guard of an API. Make one for the process and keep it: it is what remembers keys and tokens.
 *
 * Throws `GuardOptionsError` for options that are wrong or contradict each other, a missing audience above all. Asks the
 * issuer for nothing but its revocations until the first token comes. Does not look at bodies, sessions or cookies, nor at
 * whether a thing that the request names belongs to the caller.
 *
 * @example
 * ```ts
 * import { createGuard } from '@sallyport/guard'
 *
 * const guard = createGuard({ issuer: 'https://auth.example.com/acme', audience: 'https://api.example.com' })
 *
 * export async function GET(request: Request): Promise<Response> {
 *   const decision = await guard.check(request, { scope: 'invoices/read' })
 *   if (!decision.isAllowed) return decision.toResponse()
 *   return Response.json({ client: decision.access?.clientId }, { headers: decision.headers })
 * }
 * ```
 */
export function createGuard(options: GuardOptions): Guard {
  checkOptions(options)
  const { effects = systemEffects, runtime = systemRuntime } = options
  const world = { effects, runtime }
  const issuer = createIssuer({ url: options.issuer, credentials: options.credentials ?? null, effects })
  const keys = keysOf(options, issuer, world)
  const introspection = introspectionOf(options, issuer, world)
  const policy = policyOf(options, issuer, () => follower?.state.isConnected === true, world)
  const follower =
    options.credentials === undefined ? null : follow(options, issuer, { introspection, policy }, world)
  const feed = watchFeed(follower, { ...standardPolicy, ...options.revocation }, effects)
  const counter = createCounter(options.onRefusal)
  const { refuse } = createRefuser({ ...refuserTerms(options), ...effects })
  const verifier = verifierOf(options, { keys, introspection, follower }, world)
  const deps: CheckDeps = { ...termsOf(options, policy, world), verifier, feed, refuse, runtime }
  return {
    check(request, requirement = {}) {
      const decision = checkRequest(request, requirement, deps)
      return decision instanceof Promise ? decision.then(counter.count) : counter.count(decision)
    },
    metadata: metadataOf(options, policy),
    status: () => ({
      ...counter.read(),
      revocations: {
        standing: feed.standing(),
        isConnected: follower?.state.isConnected ?? false,
        heardAt: follower?.state.heardAt ?? null,
        failure: follower?.state.failure?.message ?? null,
      },
      keysFetchedAt: keys.fetchedAt,
      policy: policy && { fetchedAt: policy.fetchedAt, failure: policy.failure?.message ?? null },
    }),
    close() {
      follower?.close()
      policy?.close()
    },
  }
}

const keysOf = ({ keys }: GuardOptions, issuer: Issuer, { effects, runtime }: World): IssuerKeys =>
  createIssuerKeys({
    ...{ refreshSeconds: 300, coolDownSeconds: 30, oldestSeconds: 3_600, ...keys },
    ...{ fetchKeys: issuer.fetchKeys, clock: effects.clock, runtime },
  })

const introspectionOf = (
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
function policyOf(
  { audience, credentials, endpoints, limits, cache }: GuardOptions,
  issuer: Issuer,
  isFollowing: () => boolean,
  { effects }: World,
): IssuerPolicy | null {
  const isAsked = endpoints === 'issuer' || (limits !== undefined && limits.limitOf === undefined)
  if (credentials === undefined || !isAsked) return null
  return createIssuerPolicy({ issuer, audience, isFollowing, effects, entries: cache?.apps ?? 10_000 })
}

interface ToldOfNews {
  readonly introspection: Introspection | null
  readonly policy: IssuerPolicy | null
}

function follow(
  { onRevocationState }: GuardOptions,
  issuer: Issuer,
  { introspection, policy }: ToldOfNews,
  { effects }: World,
): Follower {
  let edition = 0
  return followRevocations({
    effects,
    open: issuer.openFeed,
    onPolicy: (clientId) => policy?.forget(clientId),
    onChange(state) {
      if (state.edition !== edition) introspection?.forget()
      edition = state.edition
      tell(onRevocationState, state)
    },
  })
}

/** What the API's own code throws is a rejection that the API hears of; following goes on. */
function tell<Value>(listener: ((value: Value) => void) | undefined, value: Value): void {
  try {
    listener?.(value)
  } catch (error) {
    void Promise.reject(error)
  }
}

interface Sources {
  readonly keys: IssuerKeys
  readonly introspection: Introspection | null
  readonly follower: Follower | null
}

const verifierOf = (
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

const standardProofAlgorithms = ['ES256', 'ES384', 'EdDSA', 'Ed25519', 'PS256', 'RS256']
const proofAlgorithmsOf = ({ dpop }: GuardOptions) => dpop?.algorithms ?? standardProofAlgorithms

function termsOf(
  options: GuardOptions,
  policy: IssuerPolicy | null,
  world: World,
): Omit<CheckDeps, 'verifier' | 'feed' | 'refuse' | 'runtime'> {
  const { issuer, unlisted = 'refuse', tokens, senderConstraint = 'none', limits } = options
  return {
    issuer,
    routes: routesOf(options, policy),
    unlisted,
    needsScope: tokens?.acceptMissing?.includes('aud') === true,
    senderConstraint,
    dpop: dpopOf(options, world),
    limits: limits === undefined ? null : { limitOf: policy?.limitOf ?? limitOfEndpoint, ...limits },
  }
}

function routesOf({ endpoints }: GuardOptions, policy: IssuerPolicy | null): CheckDeps['routes'] {
  if (endpoints === 'issuer')
    return () => whenKnown(policy?.routes() ?? null, (routes) => routes ?? 'unknown')
  const routes = endpoints === undefined ? null : createRouteTable(endpoints)
  return () => routes
}

function dpopOf(options: GuardOptions, { effects, runtime }: World): DpopChecker | null {
  const resource = resourceOf(options)
  if (resource === null) return null
  const { nonces = false } = options.dpop ?? {}
  // Later than here: edge runtimes give no randomness while a module is loaded, where guards are made.
  const drawKey = () => (typeof nonces === 'string' ? nonces : encodeBase64url(effects.random(32)))
  return createDpopChecker({
    origin: new URL(resource).origin,
    algorithms: new Set(proofAlgorithmsOf(options)),
    nonces: nonces === false ? null : createNonces(drawKey, runtime),
    runtime,
    clock: effects.clock,
  })
}

function refuserTerms(options: GuardOptions) {
  const resource = resourceOf(options)
  return {
    realm: options.audience,
    resourceMetadata: resource === null ? null : resourceMetadataUrl(resource).href,
    proofAlgorithms: proofAlgorithmsOf(options),
    acceptsDpop: resource !== null,
  }
}

/** Adapters ask for the path at each request, for the document hardly ever; its scopes are those that the issuer says now. */
function metadataOf(options: GuardOptions, policy: IssuerPolicy | null): Guard['metadata'] {
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
        ...{ proofAlgorithms: proofAlgorithmsOf(options), needsDpop: options.senderConstraint === 'dpop' },
      })
    },
  }
}
