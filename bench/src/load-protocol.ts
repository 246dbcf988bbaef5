/** What the bench and its load process say to each other. */

/** What every request of a job is made of. */
export type RequestPlan = DrawnPlan | SignedPlan

/** One request for one app, with a proof that is new each time: `before`, a JWS, `after`. */
export interface SignedPlan {
  readonly before: string
  readonly after: string
  readonly header: object
  /** Less `jti`, `iat` and `exp`, which each request gets anew; the JWS always has the same length. */
  readonly claims: object
  /** A private JWK on P-256. */
  readonly key: object
}

/** One request for many apps or tokens: `before`, one fixed-width credential drawn uniformly at random, `after`. */
export interface DrawnPlan {
  readonly before: string
  readonly after: string
  /** Each as it is sent (Base64 of `client_id:client_secret`, or a token), without separators, all of one width. */
  readonly credentialsFile: string
  readonly credentialBytes: number
  /** One after the other and round again, instead of at random. */
  readonly inTurn?: boolean
  /** A 200 that holds these words is as wrong as no 200. */
  readonly wrongWords?: string
}

export interface LoadJob {
  readonly port: number
  /** Whose CPU time is read at both ends of the window. */
  readonly pid: number
  readonly hasTls: boolean
  readonly plan: RequestPlan
  readonly connections: number
  readonly warmupSeconds: number
  readonly seconds: number
  /** How long the last replies may take after the window before the run has failed. */
  readonly stallSeconds: number
}

export interface LoadResult {
  readonly perSecond: number
  /** Replies per second of CPU time the contestant used: steadier than `perSecond` on a busy machine. */
  readonly perCpuSecond: number
  readonly p50: number
  readonly p99: number
  readonly max: number
  readonly replies: number
  /** The share of the time that the load process itself had work: near 1 it measured itself. */
  readonly loadBusy: number
}

export type LoadAnswer = { readonly result: LoadResult } | { readonly failure: string }
