/**
 * What each setting of a blueprint is for, and what holds without it: the words beside the schema's own. The reference of
 * blueprints is made of them, and what the management API and its commands say of the same settings.
 */

/** `[what it is for, the default]`; no default for what must be given or is simply absent. */
export type Words = readonly [about: string, fallback?: string]

/** By section, and by the path below it. */
export const blueprintWords = {
  file: {
    blueprint: ['The name of this blueprint: `apply --prune` removes only what the same blueprint once made'],
    tenants: ['The tenants it declares'],
  },
  tenant: {
    id: ['Its path: `https://host/{id}`; part of the issuer, so it is chosen once'],
    name: ['What people call it'],
    environment: ['`test` or `live`; secrets begin with `sp_test_` or `sp_live_`'],
    hosts: ['Hosts that answer for this tenant alone, beside its path', 'none'],
    token_issuer: ['The `iss` of its tokens, where that is not the URL it is served under', 'that URL'],
    signing_algorithm: [
      'What its tokens are signed with; another one signs once its key has been published for ten minutes',
      '`ES256`',
    ],
    pair: [
      'The tenant of the other environment: the live one of a test tenant, or the other way round',
      'none',
    ],
    key_rotation_days: ['How often the key that signs is replaced by itself; 0 for never', '90'],
    key_id: [
      'How key ids are written: the RFC 7638 thumbprint in base64url, or in base64 with padding',
      '`base64url`',
    ],
    access_token_seconds: ['How long tokens live, unless the API, the plan or the app says otherwise', '600'],
    minimum_access_token_seconds: ['No token lives shorter, whoever says so', '60'],
    maximum_access_token_seconds: ['No token lives longer, whoever says so', '86400'],
    token_reuse: ['Give out a token again while at least a fifth of its life is left', '`false`'],
    outage_grace_seconds: [
      'How long known apps still get tokens, of five minutes at most, while the database is gone; 0 refuses at once',
      '600',
    ],
    secret_expiry_warning_days: [
      'How many days before its end the owner of a credential hears of it; 0 for never',
      '14',
    ],
    client_id: ['The shape of client ids that are made for apps without one'],
    'client_id.length': ['How many characters', '24'],
    'client_id.alphabet': ['Which characters', '`lower_alphanumeric`'],
    security: [
      '`fapi2` holds it to the FAPI 2.0 Security Profile, and refuses what is set more loosely',
      '`standard`',
    ],
    assertion_algorithms: [
      'What client assertions may be signed with',
      '`[ES256, EdDSA, Ed25519, PS256, ES384, HS256, HS384]`',
    ],
    assertion_audience: [
      'The `aud` of client assertions: the issuer alone, or for older clients also the token endpoint',
      '`issuer`',
    ],
    sender_constraint: [
      'What all its tokens must be bound to: a DPoP key, a client certificate, or any of the two',
      '`none`; `any` with `fapi2`',
    ],
    dpop_nonce: ['Whether DPoP proofs must hold a nonce of ours', '`off`'],
    exposed_secrets: [
      'What becomes of a right secret that came over plain HTTP or in a URL, or was found in public: `quarantine` ends its use, `flag` only notes it',
      '`quarantine`',
    ],
    certificate_authorities: [
      'The authorities, intermediate ones too, whose client certificates count for `tls_client_auth`',
      'none',
    ],
    token_exchange: [
      'Whether its apps may exchange tokens (RFC 8693); each needs a `token_exchange` of its own',
      '`false`',
    ],
    trusted_issuers: ['Outside issuers whose tokens open something here', 'none'],
    dialect: ['How its token endpoint differs from the standard', 'the standard'],
    apis: ['Its APIs', 'none'],
    plans: ['Its plans', 'none'],
    organizations: ['Its customers', 'none'],
  },
  dialect: {
    deprecated: ['Since when the dialect is deprecated: answers carry a `Deprecation` header (RFC 9745)'],
    sunset: [
      'From this day on the tenant answers as the standard says; until then answers carry a `Sunset` header (RFC 8594)',
    ],
    request: ['What requests may do beyond the standard'],
    'request.token_path': ['A second path of the token endpoint, below the issuer', 'none'],
    'request.multipart': ['Accept `multipart/form-data` bodies', '`false`'],
    'request.default_grant_type': ['The grant of a request that names none', 'none'],
    'request.grant_type_header': ['Accept the grant type in a header of that name', '`false`'],
    'request.query_credentials': [
      'Accept credentials in the URL, under these names; each use flags the secret as exposed',
      'never',
    ],
    'request.query_credentials.client_id': ['The name of the query parameter with the client id'],
    'request.query_credentials.client_secret': ['The name of the query parameter with the secret'],
    response: ['How answers differ'],
    'response.token_type': ['How the token type is spelled', '`Bearer`'],
    'response.members': [
      'The members of the answer, in order; `access_token: ${access_token}` must be one, and `expires_in` can only be `${expires_in}`',
      '`access_token`, `token_type`, `expires_in`, `scope`',
    ],
    token: ['How tokens differ'],
    'token.header': [
      'The members of the JOSE header, in order; `alg: ${alg}` must be one',
      '`alg`, `typ: at+jwt`, `kid`',
    ],
    'token.claims': ['The claims, in order', 'those of RFC 9068 with `org_id` and `cred`'],
  },
  api: {
    id: ['Its name in its tenant'],
    audience: ['The `aud` of its tokens, and what clients ask for as `resource` or `audience`'],
    name: ['What people call it', 'none'],
    resources: [
      'Its URLs beside the audience, as its metadata has them (RFC 9728): clients may ask for them as `resource` too, and get a token with its audience as `aud`',
      'none',
    ],
    scopes: ['Every scope it knows, and what each opens; a last segment of `*` stands for all below it'],
    token_format: ['`jwt`, or `opaque`: random tokens that only introspection can read', '`jwt`'],
    signing_algorithm: [
      '`HS512` gives this API a symmetric key of its own that is published nowhere',
      "the tenant's",
    ],
    access_token_seconds: ['How long tokens for it live', "the tenant's"],
    endpoints: [
      'What the API answers to: `method`, `path` with braces around what varies, and the one `scope` that opens it. With `limit: {requests, window_seconds}` guards let each app by itself ask no more than that',
      'none',
    ],
    sender_constraint: [
      'What tokens for it must be bound to; the strictest of app, API and tenant holds',
      '`none`',
    ],
  },
  plan: {
    id: ['Its name in its tenant'],
    name: ['What people call it', 'none'],
    price: ['What it costs, in kind'],
    approval: ['Whether somebody must say yes before an organization gets it', '`false`'],
    scopes: ['When given, apps on this plan get no scope outside it, by API', 'all'],
    access_token_seconds: ['How long tokens of its apps live', "the API's"],
    limits: [
      'How often each of its apps may ask: `requests` in `window_seconds`, for all endpoints, those of an `api`, or one `endpoint` such as `GET /orders/{order}`. Of several the most exact holds',
      "the endpoints'",
    ],
  },
  organization: {
    id: ['Its name in its tenant, and the `org_id` of its tokens'],
    name: ['What people call it'],
    plan: ['The plan it is on', 'none'],
    attributes: ['Facts for claim templates: `${organization.attributes.name}`', 'none'],
    apps: ['Its apps', 'none'],
  },
  app: {
    id: ['Its name in its tenant, where no other app has it'],
    name: ['What people call it'],
    client_id: ['The client id it has already; left out, one is made and kept', 'made once'],
    grant_types: ['What it may ask the token endpoint for', '`[client_credentials]`'],
    client_authentication: ['How it may show who it is', '`[client_secret_basic, client_secret_post]`'],
    scopes: ['What it is granted, by API; a wildcard grants all below it', 'nothing'],
    introspects: ['The APIs whose resource server it is: it may ask what their tokens are', 'none'],
    default_api: ['The API of a request that names none; needed when it is granted several', 'the only one'],
    default_scopes: ['What a request without `scope` gets', 'all that it is granted on the API'],
    access_token_seconds: ['How long its tokens live', "the plan's"],
    token_reuse: ['Give out its tokens again, or never', "the tenant's"],
    token_type: ['How its answers spell the token type', "the dialect's"],
    assertion_algorithms: ['What its assertions may be signed with', "the tenant's"],
    sender_constraint: [
      'What its tokens must be bound to; the strictest of app, API and tenant holds',
      '`none`',
    ],
    dialect: ['`standard` takes this app out of the dialect', '`tenant`'],
    token_exchange: [
      'What it may exchange (RFC 8693); its own tokens, for less on their API, always',
      'nothing',
    ],
    'token_exchange.subjects': ['The apps whose tokens it may bring, beside its own', 'none'],
    'token_exchange.targets': ['The APIs that it may get to with a token for another API', 'none'],
    'token_exchange.mode': [
      '`delegation` writes into the token who acts; `impersonation` has it speak as its subject alone',
      '`delegation`',
    ],
    'token_exchange.actors': ['The apps whose tokens it may bring to show who acts, beside its own', 'none'],
    limits: ['How often it may ask, said as in a plan; where it says nothing, its plan does', "the plan's"],
    attributes: ['Facts for claim templates: `${app.attributes.name}`', 'none'],
    credentials: ['Its secrets, keys, certificates and rules, as many as it needs', 'none'],
  },
  trustedIssuer: {
    issuer: ['The `iss` of its tokens; their subjects are `issuer#sub` here'],
    jwks_uri: ['Where its keys are, if its metadata does not say', "the issuer's metadata"],
    jwks: ['Its public keys themselves, where nothing is to be fetched', 'none'],
    'jwks.keys': ['The keys'],
    algorithms: ['What its tokens may be signed with', '`[ES256, EdDSA, Ed25519, PS256, ES384, RS256]`'],
    accepts: [
      'What its tokens count as: an `assertion` (RFC 7523), an `id_jag`, or a `subject_token` to exchange',
      '`[assertion]`',
    ],
    subject: ['The `sub` of its tokens', 'any'],
    claims: ['Claims that its tokens must hold', 'none'],
    subject_token_audience: [
      'The `aud` of subject tokens; assertions name the issuer of this tenant',
      "the tenant's issuer",
    ],
    apps: ['The apps that may bring its tokens'],
    scopes: ['When given, its tokens open no scope outside it, by API', 'all that the app is granted'],
    maximum_assertion_seconds: ['How far ahead the end of an assertion may lie', '3600'],
    maximum_access_token_seconds: ['No token that is got with its tokens lives longer', "the tenant's"],
  },
  credential: {
    id: ['Its name in its app, and the `cred` of tokens got with it'],
    secret: ['Where the secret comes from'],
    public_key: ['The key that signs its assertions'],
    jwks_uri: ['Where its client publishes the keys that sign its assertions'],
    certificate: ['What its client certificate is known by: exactly one of the following'],
    'certificate.subject_dn': ['The subject, as RFC 4514 writes it: `CN=app,O=Example`'],
    'certificate.san_dns': ['A host name among its alternative names'],
    'certificate.san_uri': ['A URI among its alternative names'],
    'certificate.san_ip': ['An address among its alternative names'],
    'certificate.san_email': ['An email address among its alternative names'],
    'certificate.sha256': ['The certificate itself, for `self_signed_tls_client_auth`'],
    'certificate.from_file': ['The same, of the one certificate in a PEM file'],
    federation: ["What another issuer's token must say to count as its assertion"],
    'federation.preset': ['Whose tokens they are', '`oidc`'],
    'federation.issuer': ['The `iss` of the tokens'],
    'federation.jwks_uri': ['Where its keys are, if its metadata does not say', "the issuer's metadata"],
    'federation.audience': ['The `aud` of the tokens', "the tenant's issuer"],
    'federation.subject': ['The `sub` of the tokens; needed unless there are `claims`', 'any'],
    'federation.claims': ['Claims that the tokens must hold', 'none'],
    expires_at: ['From when on it is refused', 'never'],
  },
} satisfies Readonly<Record<string, Readonly<Record<string, Words>>>>
