/** An endpoint: which requests it takes, and what they need. */

/** One line of a table of endpoints. */
export interface Endpoint {
  /** In upper case. */
  readonly method: string
  /** `/invoices/{invoice}`: each segment literal, or the name of a parameter in braces. */
  readonly path: string
  /** All of them are needed. Without one any good token will do. */
  readonly scope?: string | readonly string[]
  /** No token is needed. */
  readonly isPublic?: boolean
  /** Kept as it is, for whoever counts. */
  readonly limit?: unknown
}
