/** Who a client has proven to be. */

import type { AuthenticationMethod } from '../../apps/authentication-methods.ts'
import type { Client, Credential } from '../../apps/client.ts'
import type { Organization } from '../../tenants/organization.ts'

/** A client that has proven who it is, how, and with which of its credentials; a public client has none. */
export interface ProvenClient {
  readonly client: Client
  readonly credential: Credential | null
  /** What the client must be registered for: a dialect's way of presenting stands for a standard method. */
  readonly method: AuthenticationMethod
}

/** A proven client in good standing, with the organization it acts for. */
export interface AuthenticatedClient extends ProvenClient {
  readonly organization: Organization
}
