/** What a client authentication method is: how it shows in a request, and whom the request then claims to be. */

import type { Client, Credential } from '../../apps/client.ts'
import type { Organization } from '../../tenants/organization.ts'
import type { TokenRequest } from '../token-request.ts'

/** One reading of the credentials in a request. Basic has two: with RFC 6749 §2.3.1's encoding undone, and raw. */
export interface ClientClaim {
  readonly clientId: string
  /** Null for a client that only names itself. */
  readonly clientSecret: string | null
}

export interface ClientAuthMethod {
  /** As in RFC 7591 §2 where it is registered there. */
  readonly name: string
  /** The method a client must be registered for: a dialect's method stands for a standard one. */
  readonly registeredAs: string
  isPresentedIn(request: TokenRequest): boolean
  /** No claim at all means malformed credentials. */
  claims(request: TokenRequest): readonly ClientClaim[]
}

/** A client that has proven who it is, and with which of its credentials; a public client has none. */
export interface ProvenClient {
  readonly client: Client
  readonly credential: Credential | null
}

/** A proven client in good standing, with the organization it acts for. */
export interface AuthenticatedClient extends ProvenClient {
  readonly organization: Organization
}
