/**
 * What the tokens of a tenant look like. The default is RFC 9068 to the letter; whatever a dialect leaves out or has
 * otherwise is a switch of its own, so that nothing is accepted because nobody thought of it.
 */

import { type ClaimNames, standardClaimNames } from './access.ts'

/** Claims and header members that RFC 9068 §2 requires and that a dialect may do without. */
export const omissible = ['typ', 'kid', 'iss', 'aud', 'exp', 'iat', 'sub', 'client_id', 'jti'] as const
/** One of them. */
export type Omissible = (typeof omissible)[number]

export interface TokenProfile {
  /** The header's `typ`, in lower case and without `application/`. */
  readonly type: string
  /** The `iss` of tokens, where it is not the issuer's URL (document 001). */
  readonly issuer: string
  /** Accepted when missing; never when it is there and wrong. */
  readonly acceptMissing: ReadonlySet<Omissible>
  /** Claims that must have exactly this value, such as `token_use: access`. */
  readonly require: readonly (readonly [name: string, value: string])[]
  readonly claimNames: ClaimNames
}

/** Where the tokens of a tenant differ from RFC 9068; without a word nothing does. */
export interface TokenProfileOptions {
  /** The header's `typ`, where it is not `at+jwt`. */
  readonly type?: string
  /** The `iss` of tokens, where it is not the issuer's URL. */
  readonly issuer?: string
  /** What may be missing; what is there must be right all the same. */
  readonly acceptMissing?: readonly Omissible[]
  /** Claims that must have exactly this value. */
  readonly require?: Readonly<Record<string, string>>
  /** Which claims say who calls and what is opened, where they have other names. */
  readonly claimNames?: Partial<ClaimNames>
}

export const profileOf = (issuer: string, options: TokenProfileOptions = {}): TokenProfile => ({
  type: (options.type ?? 'at+jwt').toLowerCase(),
  issuer: options.issuer ?? issuer,
  acceptMissing: new Set(options.acceptMissing),
  require: Object.entries(options.require ?? {}),
  claimNames: { ...standardClaimNames, ...options.claimNames },
})
