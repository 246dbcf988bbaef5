/** What `inspect` answers. Members are added, never renamed: scripts read them as JSON. */

import type { CutOffReport } from './cut-offs.ts'
import type { EndpointReport } from './endpoints.ts'

/**
 * `access_token`: this server has issued it. `other_token`: a JWT that it has not, or not as an access token.
 * `dpop_proof`, `client_assertion`: what a client makes itself, by what it says. `unknown`: no token, or an opaque one that is not known here.
 */
export type InspectedKind =
  | 'access_token'
  | 'other_token'
  | 'dpop_proof'
  | 'client_assertion'
  | 'client_secret'
  | 'basic_credentials'
  | 'registration_token'
  | 'registration_access_token'
  | 'invitation'
  | 'unknown'

export interface TokenReport {
  readonly isGood: boolean
  readonly kind: InspectedKind
  /** Why not, one sentence each; empty for a good token. */
  readonly problems: readonly string[]
  /** What to do about them. */
  readonly nextSteps: readonly string[]
  /** Everything that has ended it before its time, the earliest first. */
  readonly cutOffs: readonly CutOffReport[]
  readonly header: Readonly<Record<string, unknown>> | null
  readonly claims: Readonly<Record<string, unknown>> | null
  /** Set once a key of this server has verified the signature. */
  readonly tenantId: string | null
  readonly kid: string | null
  /** Null where there is none, or where another of its client id stands in its place. */
  readonly app: {
    readonly clientId: string
    readonly id: string
    readonly name: string
    readonly organizationId: string
  } | null
  /** The API that it is for; null where it names none, and so is for every API of its tenant. */
  readonly apiId: string | null
  readonly scopes: readonly string[]
  /** What the API declares, and whether these scopes open it; of every API of the tenant where it names none. */
  readonly endpoints: readonly EndpointReport[]
}

/** Something that is wrong with a token, and what to do about it. */
export interface Problem {
  readonly sentence: string
  readonly nextStep: string
}

export const nothingKnown: TokenReport = {
  isGood: false,
  kind: 'unknown',
  problems: [],
  nextSteps: [],
  cutOffs: [],
  header: null,
  claims: null,
  tenantId: null,
  kid: null,
  app: null,
  apiId: null,
  scopes: [],
  endpoints: [],
}

export const withProblems = (report: TokenReport, problems: readonly Problem[]): TokenReport => ({
  ...report,
  isGood: problems.length === 0,
  problems: problems.map(({ sentence }) => sentence),
  nextSteps: [...new Set(problems.map(({ nextStep }) => nextStep))],
})
