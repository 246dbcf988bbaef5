/** How a client shows who it is. */

import type { Soon } from '@sallyport/protocol'
import type { TokenDeps } from '../deps.ts'
import type { TokenRequest } from '../token-request.ts'
import type { ProvenClient } from './proven-client.ts'

/** One place in a request where credentials can stand. Several methods may share it, as all assertions do. */
export interface Presentation {
  /** For the log, and for whoever has used two at once. */
  readonly name: string
  isPresentedIn(request: TokenRequest): boolean
  /** All that `prove` reads, as it came; null for what proves something only once. */
  words(request: TokenRequest): string | null
  /** Throws `invalid_client` for every failure, with a reason for the log alone. */
  prove(request: TokenRequest, deps: TokenDeps): Soon<ProvenClient>
}
