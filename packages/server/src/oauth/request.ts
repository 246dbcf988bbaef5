/** One request at an OAuth endpoint: what came in, what is known of it so far, and what the log will say. */

import { type Form, parseForm } from '@sallyport/protocol'
import type { PresentedCertificate } from '../certificates/presented.ts'
import type { Dialect, DialectFeature } from '../tenants/dialect.ts'
import type { Tenant } from '../tenants/tenant.ts'

export const noParameters = parseForm('')

/** The transport's half: nothing here has been parsed or believed. */
export interface OAuthHttpRequest {
  readonly method: string
  /** The path below the issuer, as it was asked for. */
  readonly endpointPath: string
  readonly query: string
  readonly contentType: string | undefined
  readonly repeatsContentType: boolean
  readonly contentEncoding: string | undefined
  readonly grantTypeHeader: string | undefined
  readonly accept: string | undefined
  readonly lastEventId: string | undefined
  /** Every Authorization header that was sent. */
  readonly authorization: readonly string[]
  /** Every DPoP header that was sent. */
  readonly dpop: readonly string[]
  /** What the connection was made with, read when it is asked for; null without one. Throws for a malformed one. */
  readonly clientCertificate: () => PresentedCertificate | null
  readonly clientAddress: string
  /** All of them, for whoever looks for what should stand in none. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Buffer
}

/** What the log line and the counters say of a request; each step adds what it has found out. */
export interface OAuthNotes {
  /** What the answer's `X-Request-Id` says. */
  readonly requestId?: string
  clientId?: string
  method?: string
  credentialId?: string
  apiId?: string
  reused?: boolean
  /** Why a token was issued that opens nothing. */
  reason?: string
  /** The token that was revoked, by its `jti` or digest. */
  revokedToken?: string | undefined
  /** RFC 9449 §8.2: the nonce to use from now on, where the proof held an older one. */
  nextDpopNonce?: string
  readonly features: Set<DialectFeature>
}

/** A request after parsing: what client authentication and the grants work on. */
export interface OAuthRequest {
  readonly http: OAuthHttpRequest
  readonly tenant: Tenant
  /** The URL the tenant is served under for this request. */
  readonly issuer: string
  /** The same where connections are asked for certificates; null without such a place. */
  readonly mtlsIssuer: string | null
  readonly dialect: Dialect
  readonly form: Form
  readonly queryParameters: Form
  readonly now: number
  readonly notes: OAuthNotes
}

/** A request before parsing, at the tenant that it has reached. */
export interface OAuthCall {
  readonly http: OAuthHttpRequest
  readonly tenant: Tenant
  readonly issuer: string
  readonly mtlsIssuer: string | null
  readonly notes: OAuthNotes
}
