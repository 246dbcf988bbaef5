/** What an endpoint answers, before any transport has seen it. */

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
  /** Of an answer that goes on after `body`: begins it, and returns what ends it when the client has left. */
  readonly follow?: (sink: ReplySink) => () => void
}

/** Where an answer that goes on is written. */
export interface ReplySink {
  /** Whoever reads too slowly is cut off. */
  write(text: string): void
  /** From the server's side, in an orderly way. */
  end(): void
}

/** RFC 6749 §5.1: an answer with a token or about a client is never cached, in HTTP/1.0's words as well. */
export const neverCached: Readonly<Record<string, string>> = {
  'Content-Type': 'application/json',
  'Cache-Control': 'no-store',
  Pragma: 'no-cache',
}

/** A JSON answer that no cache keeps. */
export const jsonReply = (
  status: number,
  value: unknown,
  headers?: Readonly<Record<string, string>>,
): Reply => ({
  status,
  headers: headers ? { ...neverCached, ...headers } : neverCached,
  body: JSON.stringify(value),
})
