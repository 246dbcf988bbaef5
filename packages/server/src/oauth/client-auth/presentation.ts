/** How a client shows who it is. */

import type { Soon } from '@sallyport/protocol'
import type { OAuthDeps } from '../deps.ts'
import type { OAuthRequest } from '../request.ts'
import type { ProvenClient } from './proven-client.ts'

/** One place in a request where credentials can stand. Several methods may share it, as all assertions do. */
export interface Presentation {
  /** For the log, and for whoever has used two at once. */
  readonly name: string
  isPresentedIn(request: OAuthRequest): boolean
  /** All that `prove` reads, as it came; null for what proves something only once. */
  words(request: OAuthRequest): string | null
  /** Throws `invalid_client` for every failure, with a reason for the log alone. */
  prove(request: OAuthRequest, deps: OAuthDeps): Soon<ProvenClient>
}
