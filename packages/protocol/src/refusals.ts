/**
 * Why an API refused a request: what its guard answers, and what `sallyport inspect` makes of the id that the answer had.
 */

export interface RefusalTerms {
  /** Stands in ids: never given to another reason. */
  readonly number: number
  readonly status: number
  /** RFC 6750 §3.1 and RFC 9449 §7.1; null where the challenge has none, or where there is no challenge. */
  readonly error: string | null
  /** For whoever sent the request. */
  readonly says: string
  /** For whoever asks what an id means. */
  readonly why: string
  /** And what to do about it. */
  readonly next: string
}

type Explanation = Pick<RefusalTerms, 'why' | 'next'>

/** RFC 6750 §3.1. */
const invalidToken = (number: number, says: string, explanation: Explanation): RefusalTerms => ({
  ...{ number, status: 401, error: 'invalid_token', says },
  ...explanation,
})

const revoked = (number: number, why: string): RefusalTerms =>
  invalidToken(number, 'The access token has been revoked.', {
    why,
    next: '`sallyport inspect TOKEN` on the host of the issuer says who has cut it off, and when. A new token is good if its app still may get one.',
  })

/** RFC 9110 §15.6.4: nobody can tell now whether the token is good. */
const unavailable = (number: number, explanation: Explanation): RefusalTerms => ({
  ...{ number, status: 503, error: null, says: 'Access tokens cannot be verified now.' },
  ...explanation,
})

const unreadable = 'The access token is malformed.'

/** One entry a reason. */
export const refusals = {
  no_credentials: {
    ...{ number: 0, status: 401, error: null, says: 'This request needs an access token.' },
    why: 'The request had no Authorization header with the scheme Bearer or DPoP. Tokens in the URL, in the body or in a cookie are never read.',
    next: 'The client sends `Authorization: Bearer TOKEN`. If it does, look for a proxy that takes the header away.',
  },
  credentials_malformed: invalidToken(1, 'The Authorization header is malformed.', {
    why: 'The header is not the scheme, one blank and one token: it has quotes, a tab, a comma or a second blank, no token, or it came twice.',
    next: 'Print the header that the client sends, and look for quotes and for a variable that is empty.',
  }),
  token_malformed: invalidToken(2, unreadable, {
    why: 'The token is no JWT that can be read: it was cut or altered, or it is opaque and the guard does not introspect.',
    next: "`sallyport inspect TOKEN` says what it is. For opaque tokens set `introspect: 'opaque'` at the guard.",
  }),
  token_type: invalidToken(3, 'The token is no access token.', {
    why: 'Its header `typ`, its claim `token_use`, or a claim that the guard requires says that it is something else, such as an ID token.',
    next: 'The client sends the member `access_token` of what the token endpoint answers. If it does, compare `typ` with `tokens.type` and `tokens.require` of the guard.',
  }),
  key_unknown: invalidToken(5, 'The access token was signed by an unknown key.', {
    why: 'No key of the issuer has the `kid` and the `alg` of the token: the key was retired, or the token is of another tenant, of the other environment (test, live), or signed with HS512, whose key nobody else has.',
    next: "`sallyport inspect TOKEN` says which tenant has signed it. For HS512 set `introspect: 'always'` at the guard.",
  }),
  signature: invalidToken(6, 'The signature of the access token is wrong.', {
    why: 'The token was altered on its way, or somebody made it up.',
    next: 'Compare the token that the client got with the one that it sent, to the last character.',
  }),
  issuer: invalidToken(7, 'The access token is of another issuer.', {
    why: 'The claim `iss` is not the issuer that the guard was set up with.',
    next: 'Compare both, to the last slash. If the tenant has a `token_issuer`, name it in `tokens.issuer` of the guard.',
  }),
  audience: invalidToken(8, 'The access token is for another API.', {
    why: 'The claim `aud` does not hold the audience that the guard was set up with.',
    next: 'The client asks the token endpoint for this API, with `resource` or `audience`. If `aud` is right, correct `audience` of the guard.',
  }),
  expired: invalidToken(9, 'The access token has expired.', {
    why: 'The claim `exp` was reached when the request came.',
    next: 'The client gets a new token before `exp`. If it did, compare the clocks of the API and of the issuer.',
  }),
  not_yet_valid: invalidToken(10, 'The access token is not valid yet.', {
    why: '`nbf` or `iat` is more than a minute ahead of the clock of the API.',
    next: 'Compare the clocks of the API and of the issuer.',
  }),
  claim_missing: invalidToken(11, unreadable, {
    why: 'A claim that the guard requires is missing or of the wrong type.',
    next: "`sallyport inspect TOKEN` shows the claims. If the tenant's dialect leaves one out, name it in `tokens.acceptMissing` of the guard; if it has another name, in `tokens.claimNames`.",
  }),
  revoked_tenant: revoked(
    12,
    'All tokens of the tenant up to a moment were cut off, or the tenant was disabled or removed.',
  ),
  revoked_organization: revoked(13, 'The organization was disabled or removed, or its tokens were cut off.'),
  revoked_app: revoked(14, 'The app was disabled or removed, or its tokens were cut off.'),
  revoked_credential: revoked(
    15,
    'The credential that the token was got with was removed, disabled, or put out of use because it was seen in clear.',
  ),
  revoked_user: revoked(16, "The user was disabled or removed, or the user's tokens were cut off."),
  revoked_token: revoked(17, 'This one token was revoked, most often by its own client.'),
  revoked_key: revoked(
    18,
    'The signing key was cut off: an emergency rotation ended every token that it had signed.',
  ),
  inactive: invalidToken(19, 'The access token is not active.', {
    why: 'The issuer was asked, and said no more than that: the token is expired, revoked, for another API, or was never issued.',
    next: '`sallyport inspect TOKEN` on the host of the issuer says which.',
  }),
  bound_to_dpop_key: invalidToken(20, 'The access token is bound to a DPoP key.', {
    why: 'A token that is bound to a DPoP key came with the scheme Bearer or without a proof, or the guard has no `resource` and cannot check proofs.',
    next: 'The client sends `Authorization: DPoP TOKEN` and a `DPoP` header. At the guard, `resource` is the URL that clients use.',
  }),
  not_bound: invalidToken(21, 'The access token is not bound to a key of its client.', {
    why: 'A bearer token came with the scheme DPoP, or the API demands bound tokens (`senderConstraint`).',
    next: 'The client proves its key or certificate at the token endpoint too, so that the token is bound to it.',
  }),
  dpop_proof: {
    ...{ number: 22, status: 401, error: 'invalid_dpop_proof', says: 'The DPoP proof is not valid.' },
    why: 'The proof is for another method, URL, token or key, is more than a minute off, or was used before.',
    next: 'Compare `htu` of the proof with `resource` of the guard: behind a proxy that is the URL that clients use. Then compare the clocks.',
  },
  dpop_nonce: {
    ...{ number: 23, status: 401, error: 'use_dpop_nonce', says: 'The DPoP proof needs a nonce.' },
    why: 'The guard asks for nonces (`dpop.nonces`), and the proof had none, or one that is over.',
    next: 'The client repeats the request with the nonce of the `DPoP-Nonce` header in a new proof; most libraries do so. If it never ends, give all processes of the API the same key in `dpop.nonces`.',
  },
  certificate: invalidToken(
    24,
    'The access token must come with the client certificate that it is bound to.',
    {
      why: "The connection showed no client certificate, or not the one that the token's `cnf` names; or the API demands one (`senderConstraint: 'mtls'`) and the token names none.",
      next: 'The client shows the certificate that it got the token with. Behind a proxy that ends TLS, hand the certificate to `guard.check` as `clientCertificate`.',
    },
  ),
  confirmation_unknown: invalidToken(25, 'The access token is bound in an unknown way.', {
    why: 'The claim `cnf` names something else than a DPoP key (`jkt`) or a certificate (`x5t#S256`), and the guard cannot check it.',
    next: '`sallyport inspect TOKEN` shows the claim. Get a token that is bound in one of these ways, or to nothing.',
  }),
  insufficient_scope: {
    ...{ number: 26, status: 403, error: 'insufficient_scope', says: 'The access token does not open this.' },
    why: 'The token lacks a scope that the endpoint needs; the `WWW-Authenticate` header of the answer named it.',
    next: '`sallyport inspect TOKEN` lists what the token opens. Grant the scope to the app, and let the client ask for it.',
  },
  path_malformed: {
    ...{ number: 27, status: 400, error: null },
    says: 'The path of this request can be read in more than one way.',
    why: 'Encoded slashes, dot segments, another case and the like are refused, so that guard and application never read a path differently.',
    next: 'The client sends the path as the documentation of the API spells it.',
  },
  path_unknown: {
    ...{ number: 28, status: 404, error: null, says: 'There is nothing here.' },
    why: "No endpoint of the guard's table has this path.",
    next: 'Add the endpoint to the table or to the OpenAPI file. If it is there, compare the part before it: behind a proxy or a mounted router paths are longer or shorter.',
  },
  method_unknown: {
    ...{ number: 29, status: 405, error: null, says: 'This path does not know the method.' },
    why: "The guard's table has this path with other methods only; the `Allow` header of the answer named them.",
    next: 'Add the method to the table or to the OpenAPI file. CORS preflights (OPTIONS) are to be answered before the guard.',
  },
  rate_limited: {
    ...{ number: 30, status: 429, error: null, says: 'Too many requests.' },
    why: 'The app has used up its limit for this endpoint, with all its tokens together.',
    next: 'The client waits as long as `Retry-After` said. If that is too often, raise the limit.',
  },
  keys_unavailable: unavailable(31, {
    why: 'The guard has no keys of the issuer, or too old ones, as its metadata or key set cannot be fetched: Node.js does not know the authority of its certificate (curl may), `issuer` has a slash too many at its end or the path of no tenant (404), or the issuer is out of reach.',
    next: '`guard.status().keys.failure`, and `cause` in `onRefusal`, say which. For a certificate start the API with `NODE_EXTRA_CA_CERTS=ca.pem`; else write `issuer` as its metadata does, to the last slash, or fetch the metadata from the host of the API.',
  }),
  introspection_unavailable: unavailable(32, {
    why: "The issuer's introspection endpoint did not answer, or refused the credentials of the API; or more than a hundred questions were under way.",
    next: "Introspect a token by hand from the host of the API, with the guard's own credentials.",
  }),
  feed_cut: unavailable(33, {
    why: 'The guard has not heard of revocations for longer than `revocation.afterSeconds`, or never since it started, and so cannot tell whether the token still lives.',
    next: "`guard.status().revocations.failure` says why: the issuer is down or out of reach, or refuses the credentials of the API. If it says nothing, compare the clocks of both. `whenCut: 'allow'` lets good tokens in meanwhile.",
  }),
  policy_unavailable: {
    ...{ number: 34, status: 503, error: null, says: 'What this request needs is not known now.' },
    why: "The guard takes its endpoints from the issuer (`endpoints: 'issuer'`) and has none yet: the issuer was out of reach, refused the credentials of the API, or has no API with the audience of the guard.",
    next: '`guard.status().policy.failure` says which.',
  },
  proofs_unavailable: unavailable(35, {
    why: 'The processes of the API remember DPoP proofs together (`dpop.proofs`), and their Redis or Valkey did not answer, so that nobody could tell whether this one was used before.',
    next: "`guard.status().proofs.failure` says why. With `whenLost: 'allow'` a proof is meanwhile good once at each process.",
  }),
  limits_unavailable: {
    ...{ number: 36, status: 503, error: null, says: 'Limits of this request are not known now.' },
    why: 'The token is good, but how often its app may ask was not known within five seconds: `limitOf` or the limit store of the API did not answer, or the issuer, where it declares the limits.',
    next: '`cause` in `onRefusal` says what did not come. Give what your `limitOf` and your store ask a shorter time of its own, after which they answer without it.',
  },
} as const satisfies Record<string, RefusalTerms>

export type RefusalReason = keyof typeof refusals
