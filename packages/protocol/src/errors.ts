/** The OAuth error codes, each with its status and its one public sentence; what went wrong is for the log. */

interface ErrorAnswer {
  readonly status: number
  readonly sentence: string
}

/** One line a code, grouped by the document that defines it. */
const answers = {
  // RFC 6749 §5.2
  invalid_request: { status: 400, sentence: 'The request is malformed, or a required parameter is missing.' },
  invalid_client: { status: 401, sentence: 'Client authentication failed.' },
  invalid_grant: {
    status: 400,
    sentence: 'The grant is invalid, expired, revoked or was issued to another client.',
  },
  unauthorized_client: { status: 400, sentence: 'This client is not allowed to ask for this.' },
  unsupported_grant_type: { status: 400, sentence: 'This grant type is not supported here.' },
  invalid_scope: {
    status: 400,
    sentence: 'The scope asked for is malformed, unknown, or not granted to this client.',
  },
  // RFC 8707 §2
  invalid_target: {
    status: 400,
    sentence: 'The resource or audience asked for is unknown or not allowed to this client.',
  },
  // RFC 9449 §5, §8
  invalid_dpop_proof: { status: 400, sentence: 'The DPoP proof is missing, malformed or not valid here.' },
  use_dpop_nonce: {
    status: 400,
    sentence: 'The DPoP proof must hold the nonce sent in the DPoP-Nonce header.',
  },
  // RFC 6750 §3.1
  invalid_token: { status: 401, sentence: 'The token is none that is good here.' },
  // RFC 7591 §3.2.2
  invalid_redirect_uri: { status: 400, sentence: 'A redirect URI cannot be registered.' },
  invalid_client_metadata: { status: 400, sentence: 'A member of the client metadata cannot be registered.' },
  invalid_software_statement: { status: 400, sentence: 'The software statement cannot be read.' },
  unapproved_software_statement: {
    status: 400,
    sentence: 'The software statement is of an issuer that is not approved here.',
  },
  // RFC 7592 §2: the token is good, and its client may not do this.
  access_denied: { status: 403, sentence: 'This client may not do this.' },
  // RFC 6749 §4.1.2.1 lends these two to every endpoint that can be down.
  temporarily_unavailable: {
    status: 503,
    sentence: 'The server cannot answer this right now. Try again shortly.',
  },
  server_error: { status: 500, sentence: 'The server met an unexpected condition.' },
} as const satisfies Record<string, ErrorAnswer>

/** A code that the wire may show: nothing else ever reaches a client as `error`. */
export type OAuthErrorCode = keyof typeof answers

/** Codes whose cause may be told to whoever asks; the others always answer their fixed sentence. */
const explainable: ReadonlySet<OAuthErrorCode> = new Set<OAuthErrorCode>([
  'invalid_request',
  'invalid_scope',
  'invalid_target',
  'unsupported_grant_type',
  'invalid_dpop_proof',
  'temporarily_unavailable',
  'invalid_redirect_uri',
  'invalid_client_metadata',
  'access_denied',
])

interface Refusal {
  /** Replaces the fixed sentence, only for the codes that may be explained; never a secret or unchecked input. */
  readonly detail?: string | undefined
  /** Where one code has two statuses: RFC 6585 §4 answers a throttled client with 429. */
  readonly status?: number
  /** RFC 9110 §10.2.3: after how many seconds a retry can succeed. */
  readonly retryAfterSeconds?: number
  /** What the answer says beside its body: RFC 9449 §8 hands out the nonce in a header. */
  readonly headers?: Readonly<Record<string, string>>
  readonly cause?: unknown
}

/**
 * A refusal with two readers: the client sees `code` and `description`, the operator's log sees `message`.
 * `headers` are those that only the refusal itself knows; the others are the endpoint's error boundary's, made from `status`
 * and `retryAfterSeconds`.
 */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly code: OAuthErrorCode
  readonly status: number
  /** RFC 6749 §5.2: the `error_description`. */
  readonly description: string
  readonly retryAfterSeconds: number | undefined
  readonly headers: Readonly<Record<string, string>> | undefined

  constructor(code: OAuthErrorCode, reason: string, refusal: Refusal = {}) {
    super(reason, { cause: refusal.cause })
    const answer: ErrorAnswer = answers[code]
    this.code = code
    this.status = refusal.status ?? answer.status
    this.description = (explainable.has(code) ? refusal.detail : undefined) ?? answer.sentence
    this.retryAfterSeconds = refusal.retryAfterSeconds
    this.headers = refusal.headers
  }
}

/** Throws an `OAuthError`: `reason` goes to the log, `detail` (where the code allows one) to the client. */
export function refuse(code: OAuthErrorCode, reason: string, detail?: string): never {
  throw new OAuthError(code, reason, { detail })
}
