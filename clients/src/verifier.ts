/** What the suite asks of each library that checks tokens. */

import type { KeyAlgorithm } from './material.ts'

/** What an API is told about the tokens that it takes. */
export interface Expectation {
  readonly issuer: string
  readonly jwksUri: string
  readonly audience: string
  readonly algorithm: KeyAlgorithm
  /** The file of the authority that has signed the server's certificate. */
  readonly ca: string
}

export type Claims = Readonly<Record<string, unknown>>

/** What it says of a token that is not good. */
export interface Refusals {
  readonly changed: RegExp
  readonly expired: RegExp
  readonly wrongAudience: RegExp
}

export interface Verifier {
  readonly name: string
  readonly algorithms: readonly KeyAlgorithm[]
  readonly refusals: Refusals
  /** Each a sentence that the suite has a test for. */
  readonly notes: readonly string[]
  /** Why it cannot be run here; without it there is no reason. */
  whyAbsent?(): string | undefined
  version(): string
  /** The claims of a good token; throws of any other. */
  verify(token: string, expected: Expectation): Promise<Claims>
}
