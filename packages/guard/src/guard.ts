/** The guard of one API, put together from its options. */

import type { Soon } from '@sallyport/protocol'
import { type CheckDeps, checkRequest, type Decision, type Requirement } from './check.ts'
import { type Counts, createCounter } from './counts.ts'
import { systemEffects } from './effects.ts'
import { createIssuer } from './issuer/issuer.ts'
import { checkOptions, type GuardOptions } from './options.ts'
import {
  follow,
  introspectionOf,
  keysOf,
  metadataOf,
  policyOf,
  refuserTerms,
  type ServedMetadata,
  termsOf,
  verifierOf,
} from './parts.ts'
import { createRefuser } from './refusal.ts'
import type { RequestView } from './request-view.ts'
import { type FeedStanding, standardPolicy, watchFeed } from './revocation/policy.ts'
import { systemRuntime } from './runtime/system.ts'

/** What stands at the door of an API. */
export interface Guard {
  /**
   * Decides about a request; a Web `Request` is taken as it is. Never throws for what a request holds. Known at once, and
   * not a promise, where the token has been seen before and nothing has to be asked; `await` does for both.
   */
  check(request: RequestView, requirement?: Requirement): Soon<Decision>
  /** RFC 9728: what clients may know of this API, and under which path; null where it has no URL. */
  readonly metadata: ServedMetadata | null
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
