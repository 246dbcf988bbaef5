/** What the guard reads of a request. */

/**
 * A Web `Request` is one as it stands; adapters make one of what their framework hands them. `headers.get` joins the lines
 * of a header that came more than once with a comma and a blank, as the Fetch standard does: two `Authorization` headers
 * are then no token, and two proofs no proof.
 */
export interface RequestView {
  readonly method: string
  /** The method whose handler the router will call, where that is another one: some answer a HEAD by their GET. */
  readonly routedMethod?: string | undefined
  /** A whole URL, or the request target as it came. Only its path and query count: a `Host` header proves nothing. */
  readonly url: string
  /** The target as the client has sent it, where the router goes by another: a proof of possession is for this one. */
  readonly sentUrl?: string | undefined
  readonly headers: { get(name: string): string | null }
  /** The client's certificate in DER, where the connection itself has shown that the client holds its key. */
  readonly clientCertificate?: Uint8Array | undefined
}
