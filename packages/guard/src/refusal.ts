/** A refusal as it is answered: RFC 6750 §3, RFC 9449 §7.1, RFC 9728 §5.1. */

import { formatRefusalId, type RefusalReason, refusals } from '@sallyport/protocol'
import type { Scheme } from './credentials.ts'

/** What the guard says no with. The reason stands in the id too, which `sallyport inspect ID` reads. */
export interface Refused {
  readonly isAllowed: false
  readonly id: string
  readonly reason: RefusalReason
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** JSON. */
  readonly body: string
  /** For the log of the API; holds no token. Null where nothing is proven. */
  readonly clientId: string | null
  /** For the log of the API, and never told to the caller: what the guard could not get, and why. */
  readonly cause: string | null
  toResponse(): Response
}

export interface RefusalDetail {
  readonly scheme?: Scheme | undefined
  readonly scope?: string | undefined
  readonly clientId?: string | null | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Where more is known of it than what was last failed with. */
  readonly cause?: string | undefined
}

export interface Refuser {
  refuse(reason: RefusalReason, detail?: RefusalDetail): Refused
}

export interface RefuserOptions {
  /** The audience: what the caller is let into. */
  readonly realm: string
  readonly resourceMetadata: string | null
  /** RFC 9449 §7.1: told to whoever comes with DPoP. */
  readonly proofAlgorithms: readonly string[]
  /** Whether the API has a URL that proofs can be for. */
  readonly acceptsDpop: boolean
  readonly senderConstraint: 'none' | 'dpop' | 'mtls' | 'any'
  /** Null where the request itself says all. */
  readonly causeOf: (reason: RefusalReason) => string | null
  /** When keys that nobody has are asked for again. */
  readonly keysRetrySeconds: () => number
  readonly clock: () => number
  readonly random: (bytes: number) => Uint8Array
}

const retrySeconds = 5

export function createRefuser(options: RefuserOptions): Refuser {
  const { clock, random } = options
  return {
    refuse(reason, detail = {}) {
      const { status, error, says } = refusals[reason]
      const id = formatRefusalId(reason, clock(), random(5))
      const body = JSON.stringify({ error: error ?? reason, error_description: says, refusal_id: id })
      const headers = {
        'content-type': 'application/json',
        'cache-control': 'no-store',
        'refusal-id': id,
        ...((status === 401 || status === 403) && {
          'www-authenticate': challenges(reason, detail, options),
        }),
        ...(status === 503 && { 'retry-after': String(retrySecondsOf(reason, options)) }),
        ...detail.headers,
      }
      return {
        ...{ isAllowed: false, id, reason, status, headers, body },
        ...{ clientId: detail.clientId ?? null, cause: detail.cause ?? options.causeOf(reason) },
        toResponse: () => new Response(body, { status, headers }),
      }
    },
  }
}

/** RFC 9449 §7.1: who shows nothing learns all schemes; who shows something learns what is wrong with it, in its own. */
function challenges(reason: RefusalReason, detail: RefusalDetail, options: RefuserOptions): string {
  const { error, says } = refusals[reason]
  const scheme = schemeFor(reason, detail, options)
  const parameters = [
    `realm=${quoted(options.realm)}`,
    ...(error === null ? [] : [`error=${quoted(error)}`, `error_description=${quoted(says)}`]),
    ...(!detail.scope ? [] : [`scope=${quoted(detail.scope)}`]),
    ...(options.resourceMetadata === null ? [] : [`resource_metadata=${quoted(options.resourceMetadata)}`]),
  ]
  const algorithms = `algs=${quoted(options.proofAlgorithms.join(' '))}`
  const own = `${scheme} ${[...parameters, ...(scheme === 'DPoP' ? [algorithms] : [])].join(', ')}`
  const isOpen = error === null && scheme === 'Bearer' && offersDpop(options)
  return isOpen ? `${own}, DPoP realm=${quoted(options.realm)}, ${algorithms}` : own
}

/** The one that would be let in: where every token must be bound to a DPoP key, no bearer token is (RFC 9449 §7.1). */
function schemeFor(reason: RefusalReason, detail: RefusalDetail, options: RefuserOptions): Scheme {
  if (options.senderConstraint === 'dpop') return 'DPoP'
  if (reason === 'not_bound' || !options.acceptsDpop) return offersDpop(options) ? 'DPoP' : 'Bearer'
  return isAboutDpop(reason) ? 'DPoP' : (detail.scheme ?? 'Bearer')
}

/** RFC 8705 §3: a token that is bound to a certificate comes with the scheme Bearer. */
const offersDpop = ({ acceptsDpop, senderConstraint }: RefuserOptions): boolean =>
  acceptsDpop && senderConstraint !== 'mtls'

const isAboutDpop = (reason: RefusalReason): boolean =>
  reason === 'bound_to_dpop_key' || reason === 'dpop_proof' || reason === 'dpop_nonce'

/** Of whatever else nobody could tell, nobody can tell either when it will be known. */
const retrySecondsOf = (reason: RefusalReason, { keysRetrySeconds }: RefuserOptions): number =>
  reason === 'keys_unavailable' ? keysRetrySeconds() : retrySeconds

/** RFC 9110 §5.6.4. Whatever else an audience or a scope holds, a header that runtimes refuse to send would answer nobody. */
const quoted = (text: string): string =>
  `"${text.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll(/[\\"]/g, '\\$&')}"`
