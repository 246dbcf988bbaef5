/** What a refused caller is told to show: the `WWW-Authenticate` of RFC 6750 §3 and RFC 9449 §7.1. */

/** How a token is shown: to whoever has it, or with a proof of the key that it is bound to. */
export type Scheme = 'Bearer' | 'DPoP'

type ErrorCode = 'invalid_token' | 'insufficient_scope' | 'invalid_dpop_proof'

interface ChallengeTerms {
  /** Left out where no token was shown. */
  readonly error?: ErrorCode
  readonly scope?: string
  /** With which a proof may be signed. */
  readonly algorithms?: Iterable<string> | undefined
}

export function challenge(scheme: Scheme, { error, scope, algorithms }: ChallengeTerms = {}): string {
  const parts = ['realm="sallyport management"']
  if (error !== undefined) parts.push(`error="${error}"`)
  if (scope !== undefined) parts.push(`scope="${scope}"`)
  if (scheme === 'DPoP' && algorithms !== undefined) parts.push(`algs="${[...algorithms].join(' ')}"`)
  return `${scheme} ${parts.join(', ')}`
}
