/** How a client shows who it is: a presentation in the request, and the proof of the method it stands for. */

import type { AuthenticationMethod } from '../../apps/authentication-methods.ts'
import type { Client, Credential } from '../../apps/client.ts'
import type { Organization } from '../../tenants/organization.ts'
import type { TokenDeps } from '../deps.ts'
import type { TokenRequest } from '../token-request.ts'

/** A client that has proven who it is, how, and with which of its credentials; a public client has none. */
export interface ProvenClient {
  readonly client: Client
  readonly credential: Credential | null
  /** What the client must be registered for: a dialect's way of presenting stands for a standard method. */
  readonly method: AuthenticationMethod
}

/** One place in a request where credentials can stand. Several methods may share it, as all assertions do. */
export interface Presentation {
  /** For the log, and for whoever has used two at once. */
  readonly name: string
  isPresentedIn(request: TokenRequest): boolean
  /** Throws `invalid_client` for every failure, with a reason for the log alone. */
  prove(request: TokenRequest, deps: TokenDeps): ProvenClient | Promise<ProvenClient>
}

/** A proven client in good standing, with the organization it acts for. */
export interface AuthenticatedClient extends ProvenClient {
  readonly organization: Organization
}
