/** What the rotation of keys asks of a verifier that runs for long: it keeps the key set until its max-age is over. */

export interface Setting {
  readonly issuer: string
  readonly jwksUri: string
  readonly audience: string
  readonly algorithm: string
}

export interface Verdicts {
  /** Of each token: null for a good one, else what the library says of it. */
  readonly errors: readonly (string | null)[]
  /** How often it has fetched the key set since it began. */
  readonly fetches: number
}

export interface RunningVerifier {
  /** By the clock of the server, in epoch seconds. */
  verify(now: number, tokens: readonly string[]): Promise<Verdicts>
  stop(): Promise<void>
}

export interface CachingVerifier {
  readonly name: string
  /** What it says of a token whose key is not in the set that it has. */
  readonly unknownKey: RegExp
  /** Why it cannot be run here; makes it ready where it can. */
  whyAbsent(): string | undefined
  start(setting: Setting, ca: string): RunningVerifier
}
