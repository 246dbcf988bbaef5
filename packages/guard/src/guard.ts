/** The guard of one API, put together from its options. */

import type { Soon } from '@sallyport/protocol'
import { causesOf } from './causes.ts'
import { type CheckDeps, checkRequest, type Decision } from './check.ts'
import { checkOptions } from './check-options.ts'
import { createCounter } from './counts.ts'
import { createDeadline } from './deadline.ts'
import { systemEffects } from './effects.ts'
import { createNameReader } from './endpoint-name.ts'
import { createIssuer } from './issuer/issuer.ts'
import type { GuardOptions } from './options.ts'
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
import {
  checkWords,
  checkWordsOnce,
  createRequirementCheck,
  nothingMore,
  type Requirement,
} from './requirement.ts'
import { standardPolicy, watchFeed } from './revocation/policy.ts'
import { systemRuntime } from './runtime/system.ts'
import { type GuardStatus, readStatus } from './status.ts'

export type { GuardStatus } from './status.ts'

/** What stands at the door of an API. */
export interface Guard {
  /**
   * Decides about a request; a Web `Request` is taken as it is. Never throws for what a request holds, and
   * `GuardOptionsError` for a requirement that is misspelled or none. Known at once, and not a promise, where the token has
   * been seen before and nothing has to be asked; `await` does for both.
   */
  check(request: RequestView, requirement?: Requirement): Soon<Decision>
  /** Throws `GuardOptionsError` for what is misspelled, and for a limit that this guard cannot count: adapters ask at once. */
  checkRequirement(requirement: Requirement): void
  /** RFC 9728: what clients may know of this API, and under which path; null where it has no URL. */
  readonly metadata: ServedMetadata | null
  /** For readiness checks and metrics. */
  status(): GuardStatus
  /** Stops following revocations. */
  close(): void
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
  const counter = createCounter(feed.isPassing, options.onRefusal)
  const proofs = options.dpop?.proofs ?? null
  const { clock } = effects
  const causeOf = causesOf({ keys, introspection, follower, policy, proofs, feed, clock })
  const keysRetrySeconds = () => keys.retrySeconds
  const { refuse } = createRefuser({ ...refuserTerms(options), ...effects, causeOf, keysRetrySeconds })
  const verifier = verifierOf(options, { keys, introspection, follower }, world)
  const [checkRequirement, nameOf] = [createRequirementCheck(options), createNameReader()]
  const deadline = createDeadline({ later: effects.later, refuse })
  const deps: CheckDeps = {
    ...{ ...termsOf(options, policy, world), verifier, feed, refuse, runtime },
    ...{ checkRequirement, nameOf, awaiting: deadline.awaiting },
  }
  return {
    check(request, requirement = nothingMore) {
      checkWordsOnce(requirement)
      const decision = checkRequest(request, requirement, deps)
      return decision instanceof Promise
        ? deadline.keep(request, decision).then(counter.count)
        : counter.count(decision)
    },
    checkRequirement(requirement) {
      checkWords(requirement)
      checkRequirement(requirement)
    },
    metadata: metadataOf(options, policy),
    status: () =>
      readStatus({
        ...{ counts: counter.read(), follower, feed, keys, policy },
        ...{ store: options.limits?.store ?? null, proofs, now: clock() },
      }),
    close() {
      follower?.close()
      policy?.close()
    },
  }
}
