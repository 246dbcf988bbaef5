/** What a grant is: it decides who gets which scopes at which API. It never makes a token. */

import type { Confirmation, SourceFacts } from '@sallyport/protocol'
import type { Client, Credential } from '../../apps/client.ts'
import type { Use } from '../../store/database.ts'
import type { Organization } from '../../tenants/organization.ts'
import type { Api, Plan, Tenant } from '../../tenants/tenant.ts'
import type { AuthenticatedClient } from '../client-auth/proven-client.ts'
import type { OAuthDeps } from '../deps.ts'
import type { OAuthRequest } from '../request.ts'

/** RFC 8693 §4.1: who acts, and for whom it may have been acting already. */
export interface Actor {
  readonly sub: string
  /** Where it is not one of this server's. */
  readonly iss?: string
  readonly act?: Actor
}

/** For whom a token speaks that is not for its client alone, and what follows from what it was got with. */
export interface Behalf {
  readonly subject: string
  /** Null where nobody is seen to act for the subject. */
  readonly act: Actor | null
  /** RFC 8693 §4.4, as the subject's token has it. */
  readonly mayAct: unknown
  /** It dies with each of them. */
  readonly madeFrom: readonly SourceFacts[]
  /** Epoch seconds; no end of its own is later. Infinity where there is none. */
  readonly endsAt: number
  /** What it was got with is bound to these keys, which the request must prove. */
  readonly boundTo: readonly Confirmation[]
  /** What is said to whoever does not. */
  readonly refusal: 'invalid_request' | 'invalid_grant'
  /** What is said where tokens must be bound and the request proves no key; null for what RFC 9449 and RFC 8705 say. */
  readonly refusalWithoutKey: 'invalid_grant' | null
  /** RFC 8693 §2.2.1. */
  readonly issuedTokenType: string | null
  /** Whether the answer says for which API it is. */
  readonly saysResource: boolean
  /** To be used up once all else is decided. */
  readonly once: Use | null
}

/** A decision: everything that `issueToken` needs to know. */
export interface Authorization {
  readonly grantType: string
  readonly client: Client
  readonly credential: Credential | null
  readonly organization: Organization
  readonly plan: Plan | null
  readonly api: Api
  /** In the order asked for, without repeats. */
  readonly scopes: readonly string[]
  readonly behalf?: Behalf
}

export interface Grant {
  /** The value of `grant_type`. */
  readonly type: string
  /** Left out where every tenant has it. */
  isOfferedBy?(tenant: Tenant): boolean
  authorize(
    request: OAuthRequest,
    authenticated: AuthenticatedClient,
    deps: OAuthDeps,
  ): Authorization | Promise<Authorization>
}
