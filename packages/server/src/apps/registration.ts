/**
 * Apps that register themselves (RFC 7591, RFC 7592): what the endpoint asks of whoever keeps apps. The endpoint knows the
 * words of the wire, the keeper the rules that hold for every app.
 */

import { createHash } from 'node:crypto'
import type { Members } from '@sallyport/protocol'
import type { StoredProof } from '../store/credentials.ts'
import type { AuthenticationMethod } from './authentication-methods.ts'
import type { AppSettings } from './settings.ts'

/** What a registered app proves with, beside a secret, which is made for it. */
export type WantedProof =
  | { readonly public_key: Members }
  | { readonly jwks_uri: string }
  | { readonly certificate: Readonly<Partial<Record<CertificateMember, string>>> }

/** RFC 8705 §2.1.2 and §2.2: what a certificate can be told by, one of them. */
type CertificateMember = 'subject_dn' | 'san_dns' | 'san_uri' | 'san_ip' | 'san_email' | 'sha256'

/** What a client asks to be. */
export interface WantedApp {
  /** Null where it says nothing. */
  readonly name: string | null
  readonly method: AuthenticationMethod
  readonly assertionAlgorithms: AppSettings['assertion_algorithms'] | null
  readonly scopes: readonly string[] | null
  readonly constraint: 'dpop' | 'mtls' | null
  readonly proofs: readonly WantedProof[]
  /** What an app has no place for: shown again, and otherwise of no effect. */
  readonly described: Members
}

/** What it has become. */
export interface RegisteredApp {
  readonly clientId: string
  readonly name: string
  readonly settings: AppSettings
  readonly proofs: readonly StoredProof[]
  readonly described: Members
  readonly createdAt: number
  /** In the one answer that made it. */
  readonly clientSecret: string | null
}

export interface WithToken {
  readonly tenantId: string
  readonly token: string
  readonly requestId: string | undefined
}

export interface OfClient extends WithToken {
  readonly clientId: string
}

/** Each throws `invalid_token` for a token that is good for nothing of the kind, whatever the cause. */
export interface Registrations {
  /** Before the request is read any further; counts nothing down. */
  checkInitialToken(by: WithToken): Promise<void>
  /** Throws `invalid_client_metadata` with what does not fit; the initial access token is then as it was. */
  register(by: WithToken, wanted: WantedApp): Promise<RegisteredApp & { readonly registrationToken: string }>
  read(by: OfClient): Promise<RegisteredApp>
  /** After a read, so that nothing is told of what was sent to whom it is no business of. `secret` is what the client believes to be its secret; null where it says nothing. */
  replace(by: OfClient, wanted: WantedApp, secret: string | null): Promise<RegisteredApp>
  remove(by: OfClient): Promise<void>
}

/** What is kept of a token: of 256 random bits nobody finds the way back. */
export const digestOfRegistrationToken = (token: string): Uint8Array =>
  createHash('sha256').update(token).digest()
