/** The guard's options; `check-options.ts` refuses what is wrong when the API starts, and not at its first request. */

import { parseUrl, signatureAlgorithms } from '@sallyport/protocol'
import type { ProofMemory } from './binding/proof-memory.ts'
import type { Effects } from './effects.ts'
import type { ApiCredentials } from './issuer/ask.ts'
import type { LimitStore } from './limits/limit.ts'
import type { LimitOf } from './limits-of-endpoints.ts'
import type { Refused } from './refusal.ts'
import type { RevocationState } from './revocation/follower.ts'
import type { Endpoint } from './routes/endpoint.ts'
import type { Runtime } from './runtime/runtime.ts'
import type { TokenProfileOptions } from './tokens/profile.ts'

/** What `createGuard` is told; only `issuer` and `audience` are needed. */
export interface GuardOptions {
  /** The URL of the tenant at its authorization server, to the last character. */
  readonly issuer: string
  /** What the tokens for this API have in `aud`. */
  readonly audience: string
  /** Who the API is at the issuer; without it nothing is followed and nothing introspected. */
  readonly credentials?: ApiCredentials
  /** Where clients reach the API; the audience, where that is an https URL. DPoP and RFC 9728 metadata need it. */
  readonly resource?: string
  readonly tokens?: TokenProfileOptions
  /** `opaque` asks the issuer about tokens that are no JWT, `always` about all. Needs `credentials`. */
  readonly introspect?: 'opaque' | 'always'
  /**
   * Which requests there are, and what each needs; without it `check` is told. `issuer`: those that are declared there,
   * and followed; needs `credentials`.
   */
  readonly endpoints?: readonly Endpoint[] | 'issuer'
  /** Of requests that no endpoint takes: `refuse` answers 404 and 405, `authenticate` lets every good token in. */
  readonly unlisted?: 'refuse' | 'authenticate'
  /** Without `limitOf`, and with `credentials`: the limits that are declared at the issuer. */
  readonly limits?: { readonly store: LimitStore; readonly limitOf?: LimitOf }
  /** What happens while the issuer's revocations cannot be followed: after how long, and then what. */
  readonly revocation?: { readonly whenCut?: 'refuse' | 'allow'; readonly afterSeconds?: number }
  /** What every token must be bound to. */
  readonly senderConstraint?: 'none' | 'dpop' | 'mtls' | 'any'
  readonly dpop?: {
    /** `true`, or a key of 32 random bytes in base64url that the processes of the API share. */
    readonly nonces?: boolean | string
    /** What proofs may be signed with; left out, all that the server takes by default. */
    readonly algorithms?: readonly string[]
    /** What processes of the API remember together, as `createRedisProofs` makes it; without it each does for itself. */
    readonly proofs?: ProofMemory
    /** What a proxy takes off the path of each request, such as `/v1`: the URLs of proofs have it. */
    readonly cutPrefix?: string
  }
  readonly cache?: {
    /** How many tokens are remembered; none with 0. */
    readonly tokens?: number
    readonly introspectionSeconds?: number
    /** How many apps' limits are remembered. */
    readonly apps?: number
  }
  readonly keys?: {
    readonly refreshSeconds?: number
    readonly coolDownSeconds?: number
    readonly oldestSeconds?: number
  }
  /** For the API's log and metrics; nothing that they are handed holds a token. */
  readonly onRefusal?: (refused: Refused) => void
  readonly onRevocationState?: (state: RevocationState) => void
  readonly effects?: Effects
  readonly runtime?: Runtime
}

/**
 * What a program has set up wrongly, all of it in one message; never the fault of a request.
 *
 * Does not tell what only the issuer knows: that it is unknown or refuses the credentials stands in `guard.status()`.
 *
 * @example
 * ```ts
 * import { createGuard, GuardOptionsError } from '@sallyport/guard'
 *
 * try {
 *   createGuard({ issuer: 'https://auth.example.com/acme', audience: process.env.AUDIENCE ?? '' })
 * } catch (error) {
 *   if (!(error instanceof GuardOptionsError)) throw error
 *   console.error(error.message) // The guard cannot start: audience must be the `aud` of tokens for this API.
 * }
 * ```
 */
export class GuardOptionsError extends TypeError {
  override readonly name = 'GuardOptionsError'
  readonly code = 'ERR_INVALID_ARG_VALUE'
}

/** What proofs may be signed with; RFC 9449 §5 asks that it be asymmetric. */
export const proofAlgorithms: readonly string[] = signatureAlgorithms

export const isHttpsUrl = (value: unknown): boolean =>
  typeof value === 'string' && parseUrl(value)?.protocol === 'https:'

export const resourceOf = ({ resource, audience }: GuardOptions): string | null =>
  resource ?? (isHttpsUrl(audience) ? audience : null)
